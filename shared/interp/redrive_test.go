package interp_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

var redrive = interp.Message{Kind: interp.RedriveRequested, Mark: 9}

// states returns the names of the states that are called.
func called(calls []interp.Call) string {
	var names []string
	for _, c := range calls {
		names = append(names, c.State+string(c.Input.Text()))
	}
	return strings.Join(names, " ")
}

func (r *harness) wantCalls(fx interp.Effects, want string) []interp.Call {
	r.t.Helper()
	if got := called(fx.Calls); got != want {
		r.t.Fatalf("the calls are %s, want %s\n%s", got, want, brief(r.m, r.events))
	}
	return fx.Calls
}

// redrive redrives an execution that was stored and read again.
func (r *harness) redrive(at int64) interp.Effects {
	r.t.Helper()
	r.reload()
	fx := r.step(at, redrive)
	r.wantRejections(fx, interp.Accepted)
	return fx
}

// TestRedriveTask: the failed task is run again with the same input, with all its retries, and with
// another token. What the life before still sends changes nothing.
func TestRedriveTask(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: p, Type: Pass, OutputConstructor: {n: 1}, Next: a}`,
		fc("a", `InputConstructor: {id.$: uuid(), n.$: $Input.n}, TaskMode: WaitForCustomCallback, `+
			`Retry: [{Errors: [Busy], MaxAttempts: 1, IntervalSeconds: 1}], End: true`)), `{}`)
	first := r.step(0).Calls[0]
	r.step(1, callFailed(&first, "Busy"))
	second := r.step(2000).Calls[0]
	r.step(2001, callFailed(&second, "Busy"))
	if r.s.Status != flow.Failed {
		t.Fatal(r.s.Status)
	}
	fx := r.redrive(9000)
	r.wantEvents(fx, flow.ExecutionRedriven, flow.StateEntered, flow.StateStarted,
		flow.TaskScheduled, flow.TaskStarted)
	if e := fx.Events[0]; e.Schedule != e.ID-1 || e.Mark != 9 || fx.Replies[0].Event != e.ID ||
		fx.Events[1].Schedule != e.ID {
		t.Errorf("%+v answers %+v", fx.Replies[0], e)
	}
	third := r.wantCalls(fx, "a"+string(first.Input.Text()))[0]
	if third.Token == second.Token || third.Key == second.Key || r.s.Redrives != 1 ||
		r.s.Deadline != start+9000+r.s.TimeLimit || r.s.Stopped != 0 || r.s.Error != nil {
		t.Errorf("%+v of %+v", third, r.s)
	}
	late := r.step(9001, callCompleted(&second, `{}`), taskReported(&second, `{}`),
		interp.Message{Kind: interp.LeaseExpired, Attempt: second.Attempt, Owner: owner})
	r.wantRejections(late, interp.AlreadyEnded, interp.AlreadyEnded, interp.AlreadyEnded)
	r.wantEvents(late)
	r.step(9002, callFailed(&third, "Busy"))
	fourth := r.step(11_000).Calls[0] // its retries count anew
	r.step(11_001, callCompleted(&fourth, `{}`))
	r.step(11_002, taskReported(&fourth, `{"ok":1}`))
	if r.s.Status != flow.Succeeded || string(r.s.Output.Text()) != `{"ok":1}` {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestRedriveStepToken: a token of FlowV1, which outlives attempts, does not outlive a life.
func TestRedriveStepToken(t *testing.T) {
	r := newHarness(t, flowV1(strings.Replace(taskV1, "retry: [{errors: [FnF.ALL], intervalSeconds: 10}]",
		"", 1)), `{}`)
	first := r.step(0).Calls[0]
	r.step(1, callFailed(&first, "Busy"))
	second := r.redrive(5).Calls[0]
	r.step(6, callCompleted(&second, `{}`))
	r.wantRejections(r.step(7, taskReported(&first, `{}`), taskReported(&second, `{"n":2}`)),
		interp.AlreadyEnded, interp.Accepted)
	if r.s.Status != flow.Succeeded {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestRedriveParallel: branches that have ended keep their results, also a task whose result came
// with the failure. Those that were open go on with their states.
func TestRedriveParallel(t *testing.T) {
	branch := func(name string) string {
		return `{StartAt: ` + name + `, States: [` + fc(name, `Next: x`+name) + `, ` +
			fc("x"+name, `End: true`) + `]}`
	}
	r := newHarness(t, stateMachine(`{Name: s, Type: Parallel, Branches: [`+
		branch("a")+`, `+branch("b")+`, `+branch("c")+`], End: true}`), `{"n":1}`)
	calls := r.wantCalls(r.step(0), `a{"n":1} b{"n":1} c{"n":1}`)
	next := r.step(1, callCompleted(&calls[0], `{"n":2}`)).Calls
	r.wantCalls(interp.Effects{Calls: next}, `xa{"n":2}`)
	r.step(2, callCompleted(&next[0], `{"n":3}`)) // the first branch has ended
	r.step(3, callFailed(&calls[1], "Busy"), callCompleted(&calls[2], `{"n":4}`))
	fx := r.redrive(9)
	again := r.wantCalls(fx, `b{"n":1} xc{"n":4}`)
	r.step(10, callCompleted(&again[0], `{"n":5}`))
	r.step(11, callFailed(&again[1], "Busy"))
	last := r.wantCalls(r.redrive(20), `xb{"n":5} xc{"n":4}`)
	r.step(21, callCompleted(&last[0], `{"n":6}`), callCompleted(&last[1], `{"n":7}`))
	want := `{"Branch0":{"n":3},"Branch1":{"n":6},"Branch2":{"n":7}}`
	if r.s.Status != flow.Succeeded || string(r.s.Output.Text()) != want {
		t.Errorf("%v %v\n%s", r.s.Status, r.s.Error, brief(r.m, r.events))
	}
}

// TestRedriveMap: items that have ended keep their results. Those that have failed, that were
// aborted, and that had not begun are run, a Map inside a Map alike.
func TestRedriveMap(t *testing.T) {
	inner := `{Name: i, Type: Map, ItemsPath: $Input.i, MaxConcurrency: 2, Processor: {StartAt: a, ` +
		`States: [` + fc("a", `End: true`) + `]}, End: true}`
	r := newHarness(t, stateMachine(`{Name: m, Type: Map, ItemsPath: $Input.m, `+
		`MaxConcurrency: 1, Processor: {StartAt: i, States: [`+inner+`]}, End: true}`),
		`{"m":[{"i":[{"n":1},{"n":2},{"n":3}]},{"i":[{"n":4}]}]}`)
	calls := r.wantCalls(r.step(0), `a{"n":1} a{"n":2}`)
	third := r.wantCalls(r.step(1, callCompleted(&calls[1], `{"ok":2}`)), `a{"n":3}`)[0]
	r.step(2, interp.Message{Kind: interp.StopRequested})
	if r.s.Status != flow.Stopped {
		t.Fatal(r.s.Status)
	}
	calls = r.wantCalls(r.redrive(9), `a{"n":1} a{"n":3}`)
	r.wantRejections(r.step(10, callCompleted(&third, `{}`)), interp.AlreadyEnded)
	r.step(11, callCompleted(&calls[0], `{"ok":1}`))
	last := r.wantCalls(r.step(12, callCompleted(&calls[1], `{"ok":3}`)), `a{"n":4}`)
	r.step(13, callFailed(&last[0], "Busy"))
	last = r.wantCalls(r.redrive(20), `a{"n":4}`)
	r.step(21, callCompleted(&last[0], `{"ok":4}`))
	want := `{"Items":[{"Items":[{"ok":1},{"ok":2},{"ok":3}]},{"Items":[{"ok":4}]}]}`
	if r.s.Status != flow.Succeeded || string(r.s.Output.Text()) != want {
		t.Errorf("%v %v\n%s", r.s.Status, r.s.Error, brief(r.m, r.events))
	}
}

// TestRedriveSteps: the same in FlowV1, with a Choice that has steps.
func TestRedriveSteps(t *testing.T) {
	step := func(name string) string {
		return `{type: task, name: ` + name + `, resourceArn: "acs:fc:::services/s/functions/f"}`
	}
	r := newHarness(t, flowV1(`{type: foreach, name: each, iterationMapping: {collection: $.l, item: n}, steps: [`+
		`{type: choice, name: c, choices: [{condition: "$.n > 0", steps: [`+step("a")+`, `+step("b")+`]}], default: {goto: z}}, {type: pass, name: z}]}`),
		`{"l":[1,2]}`)
	calls := r.step(0).Calls
	next := r.step(1, callCompleted(&calls[0], `{"a":1}`)).Calls
	if len(calls) != 2 || len(next) != 1 || next[0].State != "b" {
		t.Fatalf("%s\n%s", called(calls), brief(r.m, r.events))
	}
	r.step(2, callFailed(&next[0], "Busy"))
	fx := r.redrive(9)
	got := []string{}
	for _, c := range fx.Calls {
		got = append(got, c.State)
	}
	if strings.Join(got, " ") != "b a" {
		t.Fatalf("%v\n%s", got, brief(r.m, r.events))
	}
	last := r.step(10, callCompleted(&fx.Calls[0], `{}`), callCompleted(&fx.Calls[1], `{}`)).Calls
	r.step(11, callCompleted(&last[0], `{}`))
	if r.s.Status != flow.Succeeded {
		t.Errorf("%v %v\n%s", r.s.Status, r.s.Error, brief(r.m, r.events))
	}
}

// TestRedriveMapRun: children that have succeeded count. Those that have failed, those that were in
// flight, and those that were not started are started as other executions, with the same items.
func TestRedriveMapRun(t *testing.T) {
	for _, block := range []int{0, 2} {
		r := newHarness(t, mapRunDefinition(flow.Standard,
			"MaxConcurrency: 4\nToleratedFailureCount: 2\nItemBatcher: {MaxItemsPerBatch: 2}"),
			`{"items":[0,1,2,3,4,5,6,7,8,9,10]}`)
		r.s.BlockSize = block
		calls := r.step(0).Calls
		r.step(1, ended(calls[0], `"a"`))
		r.step(2, ended(calls[1], "")) // tolerated
		r.step(3, ended(calls[2], ""))
		if r.s.Status != flow.Failed {
			t.Fatalf("%v", r.s.Status)
		}
		old := r.s.MapRuns()[0]
		fx := r.redrive(9)
		if got := inputs(fx.Calls); got != `{"Items":[2,3]} {"Items":[4,5]} {"Items":[6,7]} {"Items":[8,9]}` {
			t.Fatalf("children with %s", got)
		}
		now := r.s.MapRuns()[1]
		if now.Name == old.Name || fx.Calls[0].Child.MapRun != now.Name || now.Succeeded != 2 ||
			now.Pending != 1 || now.Running != 8 || now.Failed != 0 {
			t.Errorf("%+v", now)
		}
		r.wantRejections(r.step(10, ended(calls[3], `"late"`)), interp.AlreadyEnded)
		last := r.step(11, ended(fx.Calls[0], `"b"`), ended(fx.Calls[1], `"c"`),
			ended(fx.Calls[2], `"d"`), ended(fx.Calls[3], `"e"`)).Calls
		r.step(12, ended(last[0], `"f"`))
		if r.s.Status != flow.Succeeded ||
			string(r.s.Output.Text()) != `{"Items":["a","b","c","d","e","f"]}` {
			t.Errorf("%v %v %s", r.s.Status, r.s.Error, r.s.Output.Text())
		}
	}
}

// TestRedriveTimedOut: the time limit counts anew.
func TestRedriveTimedOut(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: w, Type: Wait, Seconds: 300, Next: v}`,
		`{Name: v, Type: Wait, Seconds: 300, End: true}`), `{}`)
	r.s.TimeLimit, r.s.Deadline = 400_000, start+400_000
	r.step(0)
	r.step(300_000)
	if r.step(400_000); r.s.Status != flow.TimedOut {
		t.Fatal(r.s.Status)
	}
	r.redrive(500_000)
	if r.step(799_999); r.s.Status != flow.Running {
		t.Error(r.s.Status)
	}
	if r.step(800_000); r.s.Status != flow.Succeeded {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestRedriveCallback: each end is reported. A delivery of an earlier end is not taken for that of
// the last.
func TestRedriveCallback(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	r.s.CallbackToken = "token"
	first := r.step(0).Calls[0]
	r.step(1, callFailed(&first, "Busy"))
	if len(r.s.Outbox) != 1 || r.s.Outbox[0].ID != 0 {
		t.Fatalf("%+v", r.s.Outbox)
	}
	again := r.redrive(2).Calls[0]
	if len(r.s.Outbox) != 0 {
		t.Errorf("the report of an end that is none is still due: %+v", r.s.Outbox)
	}
	r.step(3, callFailed(&again, "Busy"))
	r.step(4, interp.Message{Kind: interp.Delivered, OutboxID: 0})
	if len(r.s.Outbox) != 1 || r.s.Outbox[0].ID != r.s.LastEvent {
		t.Fatalf("%+v", r.s.Outbox)
	}
}

// TestRedriveTwice: a redrive that is repeated changes nothing; a stop for an earlier life neither.
func TestRedriveTwice(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	running := redrive
	r.wantRejections(r.step(0, running), interp.NotEnded)
	stop := interp.Message{Kind: interp.StopRequested, Mark: 5}
	r.s.Bind(&stop)
	r.step(1, stop)
	one, other := redrive, redrive
	r.s.Bind(&one)
	r.s.Bind(&other)
	other.Mark = 10
	fx := r.step(2, one, other, one, stop)
	r.wantRejections(fx, interp.Accepted, interp.Accepted, interp.Accepted, interp.AlreadyEnded)
	if fx.Replies[0].Event == 0 || fx.Replies[1].Event != 0 || r.s.Redrives != 1 {
		t.Errorf("%+v after %d redrives", fx.Replies, r.s.Redrives)
	}
	r.wantRejections(r.step(3, redrive), interp.Accepted) // it runs since a redrive
	r.step(4, interp.Message{Kind: interp.StopRequested})
	fx = r.step(5, one)
	if r.wantRejections(fx, interp.Accepted); len(fx.Events) != 0 || !r.s.Final() {
		t.Errorf("a repeated redrive began the life after the one that it began")
	}
	unknown := interp.Message{Kind: interp.RedriveRequested, Life: 7}
	r.wantRejections(r.step(6, unknown), interp.NotRedrivable)
}

// TestNotRedrivable: an execution that has succeeded, that has no room for events, or whose states
// an older program has dropped.
func TestNotRedrivable(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: p, Type: Pass, End: true}`), `{}`)
	r.step(0)
	r.wantRejections(r.step(1, redrive), interp.NotRedrivable)

	r = newHarness(t, stateMachine(`{Name: p, Type: Pass, Next: q}`, `{Name: q, Type: Pass, Next: p}`), `{}`)
	r.limits.Events = 10
	r.step(0)
	if r.s.Error == nil || r.s.Error.Name != flow.ErrEventLimit {
		t.Fatal(r.s.Error)
	}
	r.wantRejections(r.step(1, redrive), interp.NotRedrivable)

	r = newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	r.step(0)
	r.step(1, interp.Message{Kind: interp.StopRequested})
	old := interp.New(r.s.Facts)
	old.Status, old.LastEvent, old.LastTime = flow.Stopped, r.s.LastEvent, r.s.LastTime
	fx := interp.Step(r.m, &r.limits, old, interp.StepInput{At: start + 2,
		Messages: []interp.Message{redrive}})
	r.wantRejections(fx, interp.NotRedrivable)
}

// TestRedriveBeforeTheFirstState: an execution that was stopped before it began begins.
func TestRedriveBeforeTheFirstState(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: p, Type: Pass, End: true}`), `{}`)
	interp.Step(nil, &r.limits, r.s, interp.StepInput{At: start})
	for range 3 {
		interp.Step(nil, &r.limits, r.s, interp.StepInput{At: start, Messages: []interp.Message{redrive}})
		interp.Step(nil, &r.limits, r.s, interp.StepInput{At: start,
			Messages: []interp.Message{{Kind: interp.StopRequested}}})
	}
	if r.redrive(1); r.s.Status != flow.Succeeded {
		t.Errorf("%v", r.s.Status)
	}
}

// TestRedriveReader: a MapRun that reads its items goes on reading where it was. It keeps the inputs
// of children that have not succeeded.
func TestRedriveReader(t *testing.T) {
	r := newHarness(t, readerDefinition("MaxConcurrency: 3"), `{"key":"k"}`)
	first := r.only(r.step(0).Calls, true)
	reads, children := split(r.step(1, block(first, `["a","b","c","d"]`, 7, false)).Calls)
	r.step(2, ended(children[0], `"A"`))
	r.step(3, ended(children[1], ""))
	if r.s.Status != flow.Failed {
		t.Fatal(r.s.Status)
	}
	fx := r.redrive(9)
	again, next := split(fx.Calls)
	if got := inputs(next); got != `"b" "c" "d"` {
		t.Fatalf("children with %s", got)
	}
	second := r.only(again, true)
	if second.Attempt == reads[0].Attempt ||
		string(second.Params.Text()) != string(reads[0].Params.Text()) {
		t.Errorf("%s is read by attempt %d", second.Params.Text(), second.Attempt)
	}
	r.wantRejections(r.step(10, block(reads[0], `["x"]`, 9, true)), interp.AlreadyEnded)
	for i, c := range next {
		r.step(11+int64(i), ended(c, `"`+strings.ToUpper("bcd"[i:i+1])+`"`))
	}
	last := r.step(20, block(second, `["e"]`, 9, true)).Calls
	r.step(21, ended(last[0], `"E"`))
	if r.s.Status != flow.Succeeded || string(r.s.Output.Text()) != `{"Items":["A","B","C","D","E"]}` {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestRedriveWait: the time of a Wait counts anew, even if it was over when the execution was
// stopped, in the same commit.
func TestRedriveWait(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: w, Type: Wait, Seconds: 5, End: true}`), `{}`)
	r.step(0)
	interp.Step(nil, &r.limits, r.s, interp.StepInput{At: start + 6000}) // without a machine
	r.step(6000, interp.Message{Kind: interp.StopRequested})
	if r.s.Status != flow.Stopped {
		t.Fatal(r.s.Status)
	}
	fx := r.redrive(9000)
	r.wantEvents(fx, flow.ExecutionRedriven, flow.StateEntered, flow.StateStarted)
	r.wantEvents(r.step(13_999))
	r.wantEvents(r.step(14_000), flow.StateSucceeded, flow.ExecutionSucceeded)
}
