package interp_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// mapRunDefinition returns a flow whose only state is a distributed Map with some more fields.
func mapRunDefinition(mode, fields string) string {
	return fmt.Sprintf(`Type: StateMachine
SpecVersion: v1
Name: f
StartAt: M
States:
  - Name: M
    Type: Map
    ItemsPath: $Input.items
    ProcessorConfig: {ExecutionMode: %s}
    Processor: {StartAt: P, States: [{Name: P, Type: Pass, End: true}]}
    End: true
%s`, mode, indent(fields))
}

func indent(fields string) string {
	if fields == "" {
		return ""
	}
	return "    " + strings.ReplaceAll(fields, "\n", "\n    ") + "\n"
}

// ended returns the message that a child has ended, with an output or an error.
func ended(c interp.Call, output string) interp.Message {
	n := interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: []byte(output)}
	if output == "" {
		n.Output, n.Error = nil, &flow.Error{Name: "Broken", Cause: "because"}
	}
	if !c.Child.Express {
		n.Kind, n.TokenID = interp.TaskReported, c.Attempt
	}
	return n
}

// inputs returns the inputs of the children that are to be called.
func inputs(calls []interp.Call) string {
	var all []string
	for _, c := range calls {
		all = append(all, string(c.Params.Text()))
	}
	return strings.Join(all, " ")
}

// counts returns the counts of the only MapRun of an execution.
func (r *harness) counts() string {
	r.t.Helper()
	runs := r.s.MapRuns()
	if len(runs) != 1 {
		r.t.Fatalf("%d MapRuns", len(runs))
	}
	d := runs[0]
	return fmt.Sprintf("%s: %d pending, %d running, %d succeeded, %d failed, %d aborted of %d",
		d.Status, d.Pending, d.Running, d.Succeeded, d.Failed, d.Aborted, d.Total)
}

func (r *harness) wantCounts(want string) {
	r.t.Helper()
	if got := r.counts(); got != want {
		r.t.Errorf("%s, want %s", got, want)
	}
}

// TestMapRun: children are started in the order of the items, as many as the concurrency allows.
// Their results are in that order, too, and the history has one event.
func TestMapRun(t *testing.T) {
	for _, mode := range []string{flow.Express, flow.Standard} {
		r := newHarness(t, mapRunDefinition(mode, "MaxConcurrency: 2"), `{"items":[1,[2],{"c":3}]}`)
		fx := r.step(0)
		if got := inputs(fx.Calls); got != `1 [2]` {
			t.Fatalf("%s: children with %s", mode, got)
		}
		name := r.s.MapRuns()[0].Name
		if c := fx.Calls[1].Child; len(name) != 32 || c.MapRun != name || c.Name != name+"-1" ||
			c.Express != (mode == flow.Express) {
			t.Errorf("%s: the child is %+v of %s", mode, c, name)
		}
		r.wantCounts("Running: 1 pending, 2 running, 0 succeeded, 0 failed, 0 aborted of 3")
		second := fx.Calls[1]
		last := r.step(1, ended(second, `{"b":1}`)).Calls
		if got := inputs(last); got != `{"c":3}` {
			t.Fatalf("%s: then children with %s", mode, got)
		}
		again := r.step(2, ended(second, `{"b":1}`))
		r.wantRejections(again, interp.AlreadyEnded)
		r.wantCounts("Running: 0 pending, 2 running, 1 succeeded, 0 failed, 0 aborted of 3")
		r.step(3, ended(last[0], `7`), ended(fx.Calls[0], `"a"`))
		r.wantCounts("Succeeded: 0 pending, 0 running, 3 succeeded, 0 failed, 0 aborted of 3")
		if got := string(r.s.Output.Text()); got != `{"Items":["a",{"b":1},7]}` {
			t.Errorf("%s: the output is %s", mode, got)
		}
		var types []string
		for _, e := range r.events {
			types = append(types, e.Type.String())
		}
		if got := strings.Join(types, " "); got != "ExecutionStarted StateEntered StateStarted "+
			"MapRunStarted StateSucceeded ExecutionSucceeded" {
			t.Errorf("%s: %s", mode, got)
		}
	}
}

// TestMapRunTolerance: a MapRun fails with the first failure that it does not tolerate, and not
// before. Its children in flight are stopped, and late results are rejected.
func TestMapRunTolerance(t *testing.T) {
	for fields, tolerated := range map[string]int{
		"":                         0,
		"ToleratedFailureCount: 0": 0,
		"ToleratedFailureCount: 2": 2,
		"ToleratedFailureCount.$: 1 == 1 && $Input.two":            2,
		"ToleratedFailurePercentage: 40":                           4,
		"ToleratedFailurePercentage: 49":                           4,
		"ToleratedFailureCount: 3\nToleratedFailurePercentage: 10": 1,
		"ToleratedFailureCount: 1\nToleratedFailurePercentage: 90": 1,
	} {
		fields = strings.Replace(fields, "1 == 1 && ", "", 1)
		r := newHarness(t, mapRunDefinition(flow.Standard, fields),
			`{"items":[0,1,2,3,4,5,6,7,8,9],"two":2}`)
		calls := r.step(0).Calls
		for i := range tolerated {
			r.step(int64(i), ended(calls[i], ""))
		}
		r.wantCounts(fmt.Sprintf("Running: 0 pending, %d running, 0 succeeded, %d failed, "+
			"0 aborted of 10", 10-tolerated, tolerated))
		r.step(10, ended(calls[9], `{}`))
		fx := r.step(11, ended(calls[tolerated], ""))
		r.wantEvents(fx, flow.StateFailed, flow.ExecutionFailed)
		r.wantCounts(fmt.Sprintf("Failed: 0 pending, 0 running, 1 succeeded, %d failed, "+
			"%d aborted of 10", tolerated+1, 8-tolerated))
		if r.s.Error.Name != flow.ErrMapRunFailed || !strings.Contains(r.s.Error.Cause, "Broken") {
			t.Errorf("%s: the error is %v", fields, r.s.Error)
		}
		if n := len(r.s.Outbox); n != 8-tolerated {
			t.Errorf("%s: %d children are stopped", fields, n)
		}
	}
}

// TestMapRunResults: a tolerated failure has its place in the results.
func TestMapRunResults(t *testing.T) {
	r := newHarness(t, mapRunDefinition(flow.Express, "ToleratedFailureCount: 1"),
		`{"items":["a","b"]}`)
	calls := r.step(0).Calls
	r.step(1, ended(calls[0], ""), ended(calls[1], `{}`))
	if got := string(r.s.Output.Text()); got !=
		`{"Items":[{"Error":{"Code":"Broken","Detail":"because"}},{}]}` {
		t.Errorf("the output is %s", got)
	}
}

// TestMapRunBatches: batches have the items in order, as many as both limits allow, and count all
// of their items.
func TestMapRunBatches(t *testing.T) {
	for batcher, want := range map[string]string{
		"{MaxItemsPerBatch: 2}":                      `{"Items":[1,2]} {"Items":[3,44]} {"Items":["five"]}`,
		"{MaxItemsPerBatch.$: length($Input.items)}": `{"Items":[1,2,3,44,"five"]}`,
		"{MaxInputBytesPerBatch: 17}":                `{"Items":[1,2,3]} {"Items":[44]} {"Items":["five"]}`,
		"{MaxInputBytesPerBatch: 1, MaxItemsPerBatch: 9}": `{"Items":[1]} {"Items":[2]} {"Items":[3]} ` +
			`{"Items":[44]} {"Items":["five"]}`,
		"{MaxItemsPerBatch: 4, BatchInput: {k.$: $Input.k}}": `{"BatchInput":{"k":9},"Items":[1,2,3,44]} ` +
			`{"BatchInput":{"k":9},"Items":["five"]}`,
	} {
		r := newHarness(t, mapRunDefinition(flow.Express, "ItemBatcher: "+batcher),
			`{"items":[1,2,3,44,"five"],"k":9}`)
		calls := r.step(0).Calls
		if got := inputs(calls); got != want {
			t.Errorf("%s: %s, want %s", batcher, got, want)
		}
		for i, c := range calls {
			r.step(int64(i), ended(c, "{}"))
		}
		r.wantCounts("Succeeded: 0 pending, 0 running, 5 succeeded, 0 failed, 0 aborted of 5")
	}
}

// TestMapRunItems: MaxItems takes the first items, ItemConstructor builds each, and more items than
// the limit fail the state.
func TestMapRunItems(t *testing.T) {
	r := newHarness(t, mapRunDefinition(flow.Express,
		"MaxItems: 2\nItemConstructor: {v.$: $Item, k.$: $Input.k}"), `{"items":[1,2,3],"k":9}`)
	if got := inputs(r.step(0).Calls); got != `{"k":9,"v":1} {"k":9,"v":2}` {
		t.Errorf("children with %s", got)
	}
	r = newHarness(t, mapRunDefinition(flow.Express, "Catch: [{Errors: [FnF.MapRunFailed], Next: C}]")+
		"  - {Name: C, Type: Pass, End: true}\n", `{"items":[1,2,3]}`)
	r.limits.MapItems = 2
	r.step(0)
	if got := string(r.s.Output.Text()); !strings.Contains(got, "Limits.MapItems") {
		t.Errorf("caught %s", got)
	}
}

// TestMapRunInput: a child whose input is too long fails alone; a constructor that fails ends the
// MapRun with its children.
func TestMapRunInput(t *testing.T) {
	long := strings.Repeat("x", 300)
	r := newHarness(t, mapRunDefinition(flow.Standard, "ToleratedFailureCount: 1"),
		fmt.Sprintf(`{"items":["a",%q,"b"]}`, long))
	r.limits.EventBytes = 2000
	r.step(0)
	r = newHarness(t, mapRunDefinition(flow.Standard,
		"ToleratedFailureCount: 1\nItemConstructor: {i.$: $Item, j.$: $Item, k.$: $Item}"),
		fmt.Sprintf(`{"items":["a",%q,"b"]}`, long))
	r.limits.EventBytes = 700
	if got := len(r.step(0).Calls); got != 2 {
		t.Errorf("%d children are started", got)
	}
	r.wantCounts("Running: 0 pending, 2 running, 0 succeeded, 1 failed, 0 aborted of 3")

	r = newHarness(t, mapRunDefinition(flow.Standard, "ItemConstructor: {i.$: $Item.x}"),
		`{"items":[{"x":1},{"y":1}]}`)
	r.step(0)
	r.wantCounts("Failed: 1 pending, 0 running, 0 succeeded, 0 failed, 1 aborted of 2")
	if r.s.Error.Name != flow.ErrExpression || len(r.s.Outbox) != 1 {
		t.Errorf("it ends with %v, and %d stops", r.s.Error, len(r.s.Outbox))
	}
}

// TestMapRunUpdated: an update changes what is started from then on, and a tolerance that is
// exceeded already fails the Map at once. A MapRun that has ended rejects it.
func TestMapRunUpdated(t *testing.T) {
	r := newHarness(t, mapRunDefinition(flow.Express,
		"MaxConcurrency: 1\nToleratedFailureCount: 5"), `{"items":[1,2,3,4,5,6]}`)
	calls := r.step(0).Calls
	update := func(u interp.MapRunUpdate) interp.Message {
		u.ID = r.s.MapRuns()[0].ID
		return interp.Message{Kind: interp.MapRunUpdated, MapRun: &u}
	}
	three, one, many, zero := int64(3), int64(1), int64(1_000), int64(0)
	more := r.step(1, update(interp.MapRunUpdate{Concurrency: &three})).Calls
	if len(more) != 2 {
		t.Fatalf("%d more children", len(more))
	}
	fx := r.step(2, update(interp.MapRunUpdate{Concurrency: &one}), ended(calls[0], ""))
	if len(fx.Calls) != 0 {
		t.Errorf("%d children with a lower concurrency", len(fx.Calls))
	}
	r.step(3, update(interp.MapRunUpdate{Concurrency: &many}))
	if got := r.s.MapRuns()[0].Concurrency; got != r.limits.MapConcurrencyMax {
		t.Errorf("the concurrency is %d", got)
	}
	last := update(interp.MapRunUpdate{ToleratedCount: &zero})
	fx = r.step(4, last)
	r.wantEvents(fx, flow.StateFailed, flow.ExecutionFailed)
	r.wantRejections(r.step(5, last), interp.AlreadyEnded)
}

// TestMapRunAborted: a stop, a timeout and the failure of another branch close the MapRun and stop
// its children, each once.
func TestMapRunAborted(t *testing.T) {
	definition := mapRunDefinition(flow.Standard, "")
	for name, end := range map[string]func(r *harness){
		"stop": func(r *harness) { r.step(1, interp.Message{Kind: interp.StopRequested}) },
		"time": func(r *harness) { r.step(r.s.Deadline - start + 1) },
	} {
		r := newHarness(t, definition, `{"items":[1,2,3]}`)
		r.step(0)
		end(r)
		r.wantCounts("Aborted: 0 pending, 0 running, 0 succeeded, 0 failed, 3 aborted of 3")
		seen := map[string]bool{}
		for _, o := range r.s.Outbox {
			seen[o.Name] = o.Kind == interp.OutboxStopChild
		}
		if len(r.s.Outbox) != 3 || len(seen) != 3 {
			t.Errorf("%s: the outbox is %+v", name, r.s.Outbox)
		}
	}
}

// TestMapRunsOpen: an execution has a bounded number of open MapRuns.
func TestMapRunsOpen(t *testing.T) {
	branch := strings.ReplaceAll(mapRunDefinition(flow.Express, ""), "\n", "\n        ")
	_, states, _ := strings.Cut(branch, "StartAt: M")
	definition := "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n" +
		"  - Name: A\n    Type: Parallel\n    Branches:\n" +
		strings.Repeat("      - StartAt: M"+states+"\n", 2) + "    End: true\n"
	r := newHarness(t, definition, `{"items":[1]}`)
	r.limits.MapRuns = 1
	r.step(0)
	if r.s.Error == nil || r.s.Error.Name != flow.ErrMapRunFailed ||
		!strings.Contains(r.s.Error.Cause, "Limits.MapRuns") {
		t.Errorf("it ends with %v", r.s.Error)
	}
}
