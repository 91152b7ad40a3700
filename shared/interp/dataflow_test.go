package interp_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/value"
	"millrace/tests/support/flowgen"
)

// finish drives a flow in all modes to its end.
func finish(t *testing.T, definition, input string, limits flow.Limits, w tasks) *driver {
	t.Helper()
	return compare(t, parse(t, definition, flow.Standard), limits, decode(t, input), w.handler)
}

// TestOutcomes checks the output, or the name of the error, with which flows end.
func TestOutcomes(t *testing.T) {
	retry2 := `Retry: [{Errors: [FnF.ALL], MaxAttempts: 2, IntervalSeconds: 1}], `
	each := `{type: foreach, name: e, iterationMapping: {collection: "$.items", item: it, index: i}, `
	for name, c := range map[string]struct {
		flow, input string
		tasks       tasks
		want        string
	}{
		"RetryCount": {flow: stateMachine(fc("a",
			retry2+`OutputConstructor: {n.$: $Context.Current.RetryCount}, End: true`)),
			tasks: tasks{"a": {"fail", "fail", "ok"}}, want: `{"n":2}`},
		"counters are fresh on re-entry": {
			flow: stateMachine(fc("a",
				`Retry: [{Errors: [Busy], MaxAttempts: 1, IntervalSeconds: 1}], OutputConstructor: {n.$: $Context.Current.RetryCount}, GlobalConstructor: {second: true}, Next: c`),
				`{Name: c, Type: Choice, Branches: [{Condition: '"third" in $Global', Next: z}], Default: b}`,
				`{Name: b, Type: Pass, GlobalConstructor: {third: true}, Next: a}`,
				`{Name: z, Type: Pass, End: true}`),
			tasks: tasks{"a": {"fail", "ok", "fail", "ok"}}, want: `{"n":1}`},
		"each rule counts for itself": {
			flow: stateMachine(fc("a", `Retry: [{Errors: [Busy], MaxAttempts: 1, IntervalSeconds: 1}, {Errors: [FnF.TaskTimeout], MaxAttempts: 1, IntervalSeconds: 1}],
  Timeout: 2, OutputConstructor: {n.$: $Context.Current.RetryCount}, End: true`)),
			tasks: tasks{"a": {"fail", "", "ok"}}, want: `{"n":2}`},
		"a used up rule is not followed by a later one": {
			flow: stateMachine(fc("a",
				`Retry: [{Errors: [Busy], MaxAttempts: 1, IntervalSeconds: 1}, {Errors: [FnF.ALL], MaxAttempts: 9, IntervalSeconds: 1}], End: true`)),
			tasks: tasks{"a": {"fail", "fail", "ok"}}, want: `Busy`},
		"caught error without constructor": {
			flow: stateMachine(fc("a",
				`Catch: [{Errors: [Other], Next: x}, {Errors: [Busy], Next: b}], End: true`),
				`{Name: x, Type: Fail}`, `{Name: b, Type: Pass, End: true}`),
			tasks: tasks{"a": {"fail"}}, want: `{"Code":"Busy","Detail":"because"}`},
		"the constructor of a rule sees the state's input": {
			flow: stateMachine(fc("a",
				`InputConstructor: {n: 1}, Catch: [{Errors: [Busy], OutputConstructor: {n.$: $Input.n, d.$: $Context.Current.Error.Detail}, Next: b}], End: true`),
				`{Name: b, Type: Pass, End: true}`),
			tasks: tasks{"a": {"fail"}}, want: `{"d":"because","n":1}`},
		"the constructor of a rule fails": {
			flow: stateMachine(`{Name: p, Type: Parallel, Branches: [{StartAt: a, States: [`+fc("a",
				`Timeout: 1, Catch: [{Errors: [FnF.ALL], OutputConstructor: {n.$: $Input.nothing}, Next: b}], End: true`)+
				`, {Name: b, Type: Pass, End: true}]}], Catch: [{Errors: [FnF.ExpressionError], Next: c}], End: true}`, `{Name: c, Type: Pass, OutputConstructor: {caught: true}, End: true}`),
			want: `{"caught":true}`},
		"a limit met in the constructor of a rule is not caught above": {
			flow: stateMachine(`{Name: p, Type: Parallel, Branches: [{StartAt: a, States: [`+fc("a",
				`Catch: [{Errors: [FnF.ALL], OutputConstructor: {n.$: "toArray($Input, $Input)"}, Next: b}], End: true`)+
				`, {Name: b, Type: Pass, End: true}]}], Catch: [{Errors: [FnF.ALL], Next: c}], End: true}`, `{Name: c, Type: Pass, End: true}`),
			input: `{"s":"` + strings.Repeat("x", 33000) + `"}`, tasks: tasks{"a": {"fail"}},
			want: flow.ErrDataLimit},
		"error is absent outside a rule": {flow: stateMachine(
			`{Name: a, Type: Pass, OutputConstructor: {x.$: $Context.Current.Error}, End: true}`),
			want: flow.ErrExpression},
		"input constructor sees the raw input": {
			flow:  stateMachine(`{Name: a, Type: Pass, InputConstructor: {x.$: $Input.x}, OutputConstructor: {in.$: $Input, cur.$: $Context.Current.Input, ex.$: $Context.Execution.Input}, End: true}`),
			input: `{"x":1,"y":2}`, want: `{"cur":{"x":1},"ex":{"x":1,"y":2},"in":{"x":1}}`},
		"globals: read before written, from the raw result": {
			flow: stateMachine(`{Name: a, Type: Pass, GlobalConstructor: {n: 1}, Next: b}`,
				`{Name: b, Type: Pass, OutputConstructor: {old.$: $Global.n}, GlobalConstructor: {n.$: $Output.x, m: 2}, Next: c}`,
				`{Name: c, Type: Pass, OutputConstructor: {b.$: $Input.old, g.$: $Global}, End: true}`),
			input: `{"x":7}`, want: `{"b":1,"g":{"m":2,"n":7}}`},
		"globals: none written when the output fails": {
			flow: stateMachine(`{Name: p, Type: Parallel, Branches: [{StartAt: a, States: [{Name: a, Type: Pass, OutputConstructor: {x.$: $Output.no}, GlobalConstructor: {n: 1}, End: true}]}],
  Catch: [{Errors: [FnF.ALL], Next: b}], End: true}`, `{Name: b, Type: Pass, OutputConstructor: {g.$: $Global}, End: true}`),
			want: `{"g":{}}`},
		"parallel members": {flow: stateMachine(parallel(12)),
			want: `{"Branch0":{},"Branch1":{},"Branch10":{},"Branch11":{},"Branch2":{},"Branch3":{},"Branch4":{},"Branch5":{},"Branch6":{},"Branch7":{},"Branch8":{},"Branch9":{}}`},
		"map keeps the order": {
			flow: stateMachine(`{Name: m, Type: Map, ItemsPath: $Input.l, Processor: {StartAt: w, States: [{Name: w, Type: Wait, Seconds.$: $Input, End: true}]}, End: true}`), input: `{"l":[3,1,2]}`, want: `{"Items":[3,1,2]}`},
		"map of no array": {
			flow: stateMachine(`{Name: m, Type: Map, ItemsPath: $Input, Processor: {StartAt: w, States: [{Name: w, Type: Pass, End: true}]}, Catch: [{Errors: [FnF.ExpressionError], Next: z}], End: true}`, `{Name: z, Type: Pass, OutputConstructor: {z: 1}, End: true}`), want: `{"z":1}`},
		"task output no object": {flow: stateMachine(fc("a", "End: true")),
			tasks: tasks{"a": {"list"}}, want: flow.ErrExpression},
		"wait out of range": {
			flow:  stateMachine(`{Name: w, Type: Wait, Seconds.$: $Input.n, End: true}`),
			input: `{"n":301}`, want: flow.ErrExpression},
		"wait of nothing": {
			flow:  stateMachine(`{Name: w, Type: Wait, Seconds.$: $Input.n, End: true}`),
			input: `{"n":0}`, want: flow.ErrExpression},
		"wait of a fraction": {
			flow:  stateMachine(`{Name: w, Type: Wait, Seconds.$: $Input.n, End: true}`),
			input: `{"n":1.5}`, want: flow.ErrExpression},
		"condition that is none": {
			flow: stateMachine(`{Name: c, Type: Choice, Branches: [{Condition: $Input.n, Next: p}], Default: p}`, `{Name: p, Type: Pass, End: true}`), input: `{"n":1}`, want: flow.ErrExpression},
		"fail without code": {flow: stateMachine(`{Name: f, Type: Fail}`), want: flow.ErrFail},
		"fail with no such code": {flow: stateMachine(`{Name: f, Type: Fail, Code.$: $Input.no}`),
			want: flow.ErrExpression},
		"fail with code": {flow: stateMachine(`{Name: f, Type: Fail, Code.$: $Input.c}`),
			input: `{"c":"Own"}`, want: `Own`},
		"timeout out of range": {flow: stateMachine(fc("a",
			`Timeout.$: $Input.n, Catch: [{Errors: [FnF.ExpressionError], Next: z}], End: true`),
			`{Name: z, Type: Pass, OutputConstructor: {z: 1}, End: true}`), input: `{"n":604801}`,
			want: `{"z":1}`},
		"timeout 0 is none": {flow: stateMachine(fc("a", `Timeout.$: $Input.n, End: true`)),
			input: `{"n":"0"}`, tasks: tasks{"a": {"ok"}}, want: `{"ok":true}`},

		"FlowV1: item and index join the input": {
			flow:  flowV1(each + `steps: [{type: pass, name: x, outputMappings: [{target: v, source: "$input.it"}, {target: i, source: "$input.i"}, {target: n, source: "$input.n"}]}], outputMappings: [{target: r, source: "$local"}]}`),
			input: `{"items":["a","b"],"n":5,"it":"hidden"}`,
			want:  `{"r":[{"i":0,"n":5,"v":"a"},{"i":1,"n":5,"v":"b"}]}`},
		"FlowV1: local wins over the input, siblings do not see each other": {
			flow: flowV1(`{type: parallel, name: p, branches: [{steps: [{type: pass, name: x, outputMappings: [{target: v, source: 1}]}, {type: pass, name: y, outputMappings: [{target: w, source: "$input.v"}]}]},
    {steps: [{type: pass, name: z, outputMappings: [{target: w, source: "$input.v"}]}]}], outputMappings: [{target: r, source: "$local"}]}`),
			input: `{"v":0}`, want: `{"r":[{"v":1,"w":1},{"w":0}]}`},
		"FlowV1: later members replace": {flow: flowV1(
			`{type: pass, name: a, outputMappings: [{target: k, source: {x: 1}}]}`,
			`{type: pass, name: b, outputMappings: [{target: k, source: {y: 2}}]}`),
			want: `{"k":{"y":2}}`},
		"FlowV1: no array": {flow: flowV1(each +
			`steps: [{type: pass, name: x}]}`), want: flow.ErrRuntime},
		"FlowV1: fail without a name": {flow: flowV1(`{type: fail, name: f}`), want: ``},
		"FlowV1: error in errorMappings": {flow: flowV1(
			`{type: task, name: a, resourceArn: "acs:fc:::services/s/functions/f", catch: [{errors: [Busy], goto: b}], errorMappings: [{target: e, source: $local.error}, {target: c, source: $local.cause}]}`, `{type: pass, name: b}`), tasks: tasks{"a": {"fail"}}, want: `{"c":"because","e":"Busy"}`},
		"FlowV1: FC. matches the bare name": {flow: flowV1(
			`{type: task, name: a, resourceArn: "acs:fc:::services/s/functions/f", catch: [{errors: [FC.Busy], goto: b}]}`, `{type: pass, name: b}`), tasks: tasks{"a": {"fail"}}, want: `{}`},
		"FlowV1: wait of a text": {flow: flowV1(
			`{type: wait, name: w, duration: "$.n"}`), input: `{"n":"2"}`, want: `{}`},
		"FlowV1: wait too long": {flow: flowV1(
			`{type: wait, name: w, duration: "$.n"}`), input: `{"n":172801}`,
			want: flow.ErrRuntime},
		"FlowV1: wait of the past": {flow: flowV1(
			`{type: wait, name: w, timestamp: "2001-01-01T00:00:00Z"}`), want: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.input == "" {
				c.input = "{}"
			}
			d := finish(t, c.flow, c.input, flow.DefaultLimits(), c.tasks)
			got := ""
			if d.state.Error != nil {
				got = d.state.Error.Name
			} else {
				got = string(d.state.Output.Text())
			}
			if got != c.want {
				t.Errorf("want %s, got %s\n%s", c.want, got, d.transcript())
			}
		})
	}
}

// parallel returns a Parallel of n branches that do nothing.
func parallel(n int) string {
	var branches []string
	for i := range n {
		branches = append(branches,
			fmt.Sprintf(`{StartAt: b%d, States: [{Name: b%d, Type: Pass, End: true}]}`, i, i))
	}
	return `{Name: p, Type: Parallel, Branches: [` + strings.Join(branches, ", ") + `], End: true}`
}

func TestRetryDelay(t *testing.T) {
	for _, c := range []struct {
		rule flow.Retry
		want []int64
	}{
		{flow.Retry{Interval: 10, Rate: 2, IntervalMax: 30},
			[]int64{10_000, 20_000, 30_000, 30_000}},
		{flow.Retry{Interval: 1, Rate: 1.5, IntervalMax: 86400},
			[]int64{1000, 1500, 2250, 3375, 5063}},
		{flow.Retry{Interval: 5, Rate: 1, IntervalMax: 86400}, []int64{5000, 5000, 5000}},
		{flow.Retry{Interval: 10, Rate: 0.5, IntervalMax: 86400}, []int64{10_000, 5000, 2500}},
		{flow.Retry{Interval: 0, Rate: 2, IntervalMax: 86400}, []int64{0, 0}},
		{flow.Retry{Interval: 50, Rate: 2, IntervalMax: 20}, []int64{20_000, 20_000}},
		{flow.Retry{Interval: 3, Rate: 1e300, IntervalMax: 86400},
			[]int64{3000, 86_400_000, 86_400_000}},
	} {
		for i, want := range c.want {
			if got := interp.RetryDelay(&c.rule, i+1); got != want {
				t.Errorf("%+v: retry %d: want %d, got %d", c.rule, i+1, want, got)
			}
		}
	}
}

// TestDataLimits: limits are exact to the byte, and no Catch applies (docs/statemachine.md#limits,
// docs/flowv1.md#limits).
func TestDataLimits(t *testing.T) {
	catch := `Catch: [{Errors: [FnF.ALL], Next: z}], `
	last := `{Name: z, Type: Pass, End: true}`
	text := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for _, c := range []struct {
		name  string
		flow  string
		input func(n int) string // makes the limited value n bytes long
		limit int
	}{
		{"input", stateMachine(`{Name: a, Type: Pass, End: true}`),
			func(n int) string { return `{"s":` + text(n-6) + `}` }, 65536},
		{"input constructor",
			stateMachine(`{Name: a, Type: Parallel, InputConstructor: {a.$: $Input.s, b.$: $Input.s}, Branches: [{StartAt: x, States: [{Name: x, Type: Pass, OutputConstructor: {}, End: true}]}], `+catch+`End: true}`, last),
			func(n int) string { return `{"s":` + text((n-11)/2) + `}` }, 65535},
		{"output constructor",
			stateMachine(`{Name: a, Type: Pass, OutputConstructor: {a.$: $Input.s, b.$: $Input.s}, End: true}`),
			func(n int) string { return `{"s":` + text((n-11)/2) + `}` }, 65535},
		{"parameters", stateMachine(fc("a", catch+"OutputConstructor: {}, End: true"), last),
			func(n int) string { return `{"s":` + text(n-6) + `}` }, 65536},
		{"FlowV1: input, local and output",
			flowV1(`{type: pass, name: a, outputMappings: [{target: k, source: v}]}`),
			func(n int) string { return `{"s":` + text(n-6-2-9) + `}` }, 32768},
	} {
		for _, over := range []int{0, 2} {
			input := c.input(c.limit + over)
			d := finish(t, c.flow, input, flow.DefaultLimits(), tasks{"a": {"ok"}})
			failed := d.state.Error != nil && d.state.Error.Name == flow.ErrDataLimit
			if failed != (over > 0) {
				t.Errorf("%s, %d over: %v %v", c.name, over, d.state.Status, d.state.Error)
			}
		}
	}
}

func TestResultLimit(t *testing.T) {
	limits := flow.DefaultLimits()
	for n, want := range map[int]flow.Status{limits.ResultBytes: flow.Succeeded,
		limits.ResultBytes + 1: flow.Failed} {
		r := newHarness(t, stateMachine(fc("a",
			`OutputConstructor: {}, Retry: [{Errors: [FnF.ALL], MaxAttempts: 3, IntervalSeconds: 1}], End: true`)), `{}`)
		call := r.step(0).Calls[0]
		r.step(1, callCompleted(&call, `"`+strings.Repeat("x", n-2)+`"`))
		if r.s.Status != want {
			t.Errorf("%d bytes: %v %v", n, r.s.Status, r.s.Error)
		}
		want := fmt.Sprintf("the result of the task that event %d has scheduled is longer than 1048576 bytes", call.Attempt)
		if e := r.s.Error; e != nil && e.Cause != want {
			t.Error(e.Cause)
		}
	}
}

// TestJoinedResultLimit: what branches return together is limited like the result of a task.
func TestJoinedResultLimit(t *testing.T) {
	limits := flow.DefaultLimits()
	half := `{StartAt: x, States: [{Name: x, Type: Pass, OutputConstructor: {a.$: $Input.s}, End: true}]}`
	definition := stateMachine(`{Name: a, Type: Parallel, OutputConstructor: {}, Branches: [` +
		half + `, ` + half + `], End: true}`)
	input := `{"s":"` + strings.Repeat("x", 1000) + `"}`
	limits.ResultBytes = len(`{"Branch0":{"a":""},"Branch1":{"a":""}}`) + 2000
	for over, want := range []flow.Status{flow.Succeeded, flow.Failed} {
		limits.ResultBytes -= over
		d := finish(t, definition, input, limits, nil)
		if d.state.Status != want {
			t.Errorf("%d over: %v %v", over, d.state.Status, d.state.Error)
		}
		if e := d.state.Error; e != nil && (e.Name != flow.ErrDataLimit ||
			e.Cause != `the result of state "a" is longer than 2038 bytes`) {
			t.Errorf("%d over: %v", over, e)
		}
	}
}

func TestGlobalLimits(t *testing.T) {
	limits := flow.DefaultLimits()
	limits.GlobalBytes, limits.GlobalsBytes = 20, 50
	for name, c := range map[string]struct {
		globals string
		want    string
	}{
		"as long as may be": {`{"k":"` + strings.Repeat("x", 18) + `"}`, ""},
		"one too long": {`{"k":"` + strings.Repeat("x", 19) + `"}`,
			`global variable "k" is longer than 20 bytes`},
		"two too long": {`{"k":"` + strings.Repeat("x", 19) + `","a":"` +
			strings.Repeat("x", 99) + `"}`, `global variable "a" is longer than 20 bytes`},
		"too many": {
			`{"a":"0123456789","b":"0123456789","c":"0123456789","d":"01234567890"}`,
			`all global variables together is longer than 50 bytes`},
		"a name as may be": {`{"` + strings.Repeat("k", 45) + `":1}`, ""},
		"a name that is not": {`{"` + strings.Repeat("k", 129) + `":1}`,
			"the name of global variable"},
	} {
		r := newHarness(t, stateMachine(
			`{Name: a, Type: Pass, GlobalConstructor: `+c.globals+`, End: true}`), `{}`)
		r.limits = limits
		r.step(0)
		switch {
		case c.want == "" && r.s.Status != flow.Succeeded:
			t.Errorf("%s: %v", name, r.s.Error)
		case c.want != "" && (r.s.Error == nil || r.s.Error.Name != flow.ErrDataLimit ||
			!strings.HasPrefix(r.s.Error.Cause, c.want)):
			t.Errorf("%s: %v", name, r.s.Error)
		}
	}
}

// TestEventLimit: an execution may write the maximum number of events; the events that close it do
// not count.
func TestEventLimit(t *testing.T) {
	loop := stateMachine(`{Name: a, Type: Pass, Next: a}`)
	d := finish(t, loop, `{}`, flow.DefaultLimits(), nil)
	if n := len(d.history); d.state.Status != flow.Failed ||
		d.state.Error.Name != flow.ErrEventLimit || n != 5002 {
		t.Errorf("%v %v after %d events", d.state.Status, d.state.Error, n)
	}
	// 1 + 3 events, and ExecutionSucceeded.
	for maxEvents, want := range map[int]flow.Status{4: flow.Succeeded, 3: flow.Failed} {
		limits := flow.DefaultLimits()
		limits.Events = maxEvents
		if d := finish(t, stateMachine(`{Name: a, Type: Pass, End: true}`), `{}`, limits,
			nil); d.state.Status != want {
			t.Errorf("limit %d: %v %v", maxEvents, d.state.Status, d.state.Error)
		}
	}
	// A call is not made if its TaskStarted would exceed the limit.
	limits := flow.DefaultLimits()
	limits.Events = 4
	d = finish(t, stateMachine(fc("a", "End: true")), `{}`, limits, nil)
	if d.state.Status != flow.Failed || len(d.called) != 0 {
		t.Errorf("%v, %d calls", d.state.Status, len(d.called))
	}
}

// TestGlobalItems: the items of a Map are those that $Global held when the Map began.
func TestGlobalItems(t *testing.T) {
	d := finish(t, stateMachine(`{Name: a, Type: Pass, GlobalConstructor: {l: [1,2,3,4]}, Next: m}`,
		`{Name: m, Type: Map, ItemsPath: $Global.l, MaxConcurrency: 1, Processor: {StartAt: w, States: [{Name: w, Type: Wait, Seconds: 1, GlobalConstructor: {l: [9]}, End: true}]}, End: true}`),
		`{}`, flow.DefaultLimits(), nil)
	if d.state.Output == nil || string(d.state.Output.Text()) != `{"Items":[1,2,3,4]}` {
		t.Errorf("%v", d.transcript())
	}
	// A long list is stored outside the body.
	r := newHarness(t, stateMachine(
		`{Name: a, Type: Pass, GlobalConstructor: {l.$: $Input.l}, Next: m}`,
		`{Name: m, Type: Map, ItemsPath: $Global.l, Processor: {StartAt: w, States: [{Name: w, Type: Wait, Seconds: 1, End: true}]}, End: true}`),
		`{"l":["`+strings.Repeat("x", 2000)+`"]}`)
	r.step(0)
	placed := 0
	r.s.EachUnstored(func(v *flow.Value) {
		placed++
		v.SetRef(flow.Ref{Kind: flow.RefRow, Version: 1, Token: uint64(placed)})
	})
	if n := len(r.s.AppendBody(nil)); n > 2500 {
		t.Errorf("a body of %d bytes, although %d values are placed", n, placed)
	}
}

// TestLargeMap: the results of a large Map are stored in blocks.
func TestLargeMap(t *testing.T) {
	items := make([]any, 1300)
	for i := range items {
		items[i] = value.FromInt(int64(i * 1_000_000))
	}
	limits := flow.DefaultLimits()
	limits.Events = 1_000_000
	m := parse(t, stateMachine(
		`{Name: m, Type: Map, ItemsPath: $Input.l, MaxConcurrency: 100, Processor: {StartAt: a, States: [`+
			fc("a", `OutputConstructor: {n.$: $Input, s: "a text that is longer than what a body writes twice"}, End: true`)+`]}, OutputConstructor: {n.$: length($Output.Items), last.$: "$Output.Items[1299].n"}, End: true}`), flow.Standard)
	for _, w := range []driveMode{{}, {stored: true}, {stored: true, budget: 50}} {
		largest := 0
		d := newDriver(t, m, limits, map[string]any{"l": items}, tasks{"a": {"ok"}}.handler(), w)
		d.afterCommit = func() { largest = max(largest, len(d.body)) }
		d.run()
		if d.state.Output == nil || d.stringOutput() != `{"last":1299000000,"n":1300}` {
			t.Fatalf("%v: %v %v", w, d.state.Status, d.state.Error)
		}
		d.checkHistory()
		if largest > 32<<10 {
			t.Errorf("%v: a body of %d bytes", w, largest)
		}
	}
}

// TestRandom: draws are the same on every repetition, and differ for each attempt, item and entry,
// also of the states around.
func TestRandom(t *testing.T) {
	m := parse(t, stateMachine(
		`{Name: m, Type: Map, ItemsPath: "[1,2]", Retry: [{Errors: [Again], MaxAttempts: 2, IntervalSeconds: 1}], Processor: {StartAt: a, States: [`+
			strings.Replace(fc("a",
				`Retry: [{Errors: [Busy], MaxAttempts: 1, IntervalSeconds: 1}], End: true`),
				"invocationType: Sync", "invocationType: Sync, body: {id.$: uuid(), two.$: uuid()}",
				1)+`]}, End: true}`), flow.Standard)
	run := func(w driveMode) []string {
		var drawn []string
		calls := 0
		d := newDriver(t, m, flow.DefaultLimits(), map[string]any{},
			callHandlerFunc(func(c *interp.Call) []flowgen.DelayedMessage {
				body := c.Params.Tree().(map[string]any)["body"].(map[string]any)
				drawn = append(drawn, body["id"].(string), body["two"].(string))
				calls++
				name := "Busy"
				if calls%4 == 3 || calls%4 == 0 {
					name = "Again"
				}
				return []flowgen.DelayedMessage{{Delay: 10, Message: callFailed(c, name)}}
			}), w)
		d.run()
		return drawn
	}
	want := run(driveMode{})
	seen := map[string]bool{}
	for _, id := range want {
		if seen[id] {
			t.Errorf("%s is drawn twice", id)
		}
		seen[id] = true
	}
	if len(want) < 12 {
		t.Fatalf("%d draws", len(want))
	}
	for _, w := range driveModes {
		if got := run(w); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%v draws other values", w)
		}
	}
}

// TestRandomOfEntries: a state that is entered again draws different values.
func TestRandomOfEntries(t *testing.T) {
	d := finish(t, stateMachine(
		`{Name: a, Type: Pass, OutputConstructor: {id.$: uuid(), before.$: $Input}, Next: c}`,
		`{Name: c, Type: Choice, Branches: [{Condition: '"before" in $Input.before', Next: z}], Default: a}`,
		`{Name: z, Type: Pass, OutputConstructor: {same.$: $Input.id == $Input.before.id}, End: true}`), `{}`, flow.DefaultLimits(), nil)
	if d.state.Output == nil || string(d.state.Output.Text()) != `{"same":false}` {
		t.Error(d.transcript())
	}
}

// TestFailedKeepsItsScope: the body of a failed execution contains what a redrive needs.
func TestFailedKeepsItsScope(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: a, Type: Pass, GlobalConstructor: {g: 1}, Next: b}`,
		`{Name: b, Type: Fail}`), `{"n":1}`)
	r.step(0)
	failed := len(r.s.AppendBody(nil))
	again := interp.New(r.s.Facts)
	again.Status = flow.Failed
	if err := again.DecodeBody(r.s.AppendBody(nil)); err != nil || again.Ready() ||
		len(again.AppendBody(nil)) != failed {
		t.Errorf("%v", err)
	}
	other := newHarness(t,
		stateMachine(`{Name: a, Type: Pass, GlobalConstructor: {g: 1}, End: true}`), `{"n":1}`)
	other.step(0)
	if done := len(other.s.AppendBody(nil)); failed <= done {
		t.Errorf("the body of a failed execution has %d bytes, that of a succeeded one %d", failed,
			done)
	}
}

func TestExpressWait(t *testing.T) {
	m := parse(t, stateMachine(`{Name: w, Type: Wait, Seconds.$: $Input.n, End: true}`),
		flow.Express)
	for n, want := range map[string]flow.Status{"20": flow.Running, "21": flow.Failed} {
		f := facts(m, decode(t, `{"n":`+n+`}`))
		f.Express = true
		s, limits := interp.New(f), flow.DefaultLimits()
		interp.Step(m, &limits, s, interp.StepInput{At: start})
		if s.Status != want {
			t.Errorf("%s s: %v %v", n, s.Status, s.Error)
		}
	}
}
