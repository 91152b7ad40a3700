package interp_test

import (
	"bytes"
	"fmt"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// harness is an execution that a test advances step by step.
type harness struct {
	t      *testing.T
	m      *flow.Machine
	s      *interp.State
	limits flow.Limits
	events []flow.HistoryEvent
	lease  interp.LeaseOptions
}

func newHarness(t *testing.T, definition, input string) *harness {
	m := parse(t, definition, flow.Standard)
	return &harness{t: t, m: m, s: interp.New(facts(m, decode(t, input))),
		limits: flow.DefaultLimits(), lease: interp.LeaseOptions{Max: 100, Owner: owner}}
}

// step applies messages at a time in ms after the start, and leases ready attempts.
func (r *harness) step(at int64, messages ...interp.Message) interp.Effects {
	return r.stepInput(interp.StepInput{At: start + at, Messages: messages, Lease: &r.lease})
}

func (r *harness) stepInput(ev interp.StepInput) interp.Effects {
	fx := interp.Step(r.m, &r.limits, r.s, ev)
	r.events = append(r.events, fx.Events...)
	return fx
}

// types returns the types of the events that a step has written.
func types(fx interp.Effects) (out []flow.EventType) {
	for _, e := range fx.Events {
		out = append(out, e.Type)
	}
	return out
}

func (r *harness) wantEvents(fx interp.Effects, want ...flow.EventType) {
	r.t.Helper()
	got := types(fx)
	if len(got) != len(want) {
		r.t.Fatalf("want %v, got %v", want, got)
	}
	for i := range want {
		if got[i] != want[i] {
			r.t.Fatalf("want %v, got %v", want, got)
		}
	}
}

func (r *harness) wantRejections(fx interp.Effects, want ...interp.Rejection) {
	r.t.Helper()
	for i, w := range want {
		if fx.Replies[i].Rejection != w {
			r.t.Fatalf("message %d: want rejection %d, got %d", i, w, fx.Replies[i].Rejection)
		}
	}
}

// reload encodes the execution's body and continues with the decoded state.
func (r *harness) reload() {
	r.t.Helper()
	s := interp.New(r.s.Facts)
	s.Status, s.LastEvent, s.LastTime = r.s.Status, r.s.LastEvent, r.s.LastTime
	s.Redrives, s.Redriven, s.RedriveMark = r.s.Redrives, r.s.Redriven, r.s.RedriveMark
	if err := s.DecodeBody(r.s.AppendBody(nil)); err != nil {
		r.t.Fatal(err)
	}
	r.s = s
}

const taskV1 = `{type: task, name: a, resourceArn: "acs:fc:::services/s/functions/f", pattern: waitForCallback, retry: [{errors: [FnF.ALL], intervalSeconds: 10}]}`

func TestReplyNamesTheEvent(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `TaskMode: WaitForCustomCallback, Next: b`),
		`{Name: b, Type: Wait, Seconds: 9, End: true}`), `{}`)
	call := r.step(0).Calls[0]
	fx := r.step(1, taskReported(&call, `{}`), taskReported(&call, `{}`),
		callCompleted(&call, `{}`))
	r.wantRejections(fx, interp.Accepted, interp.AlreadyEnded, interp.AlreadyEnded)
	e := r.events[fx.Replies[0].Event-1]
	if e.Type != flow.TaskSucceeded || e.Mark != 77 {
		t.Errorf("the reply names %v with mark %d", e.Type, e.Mark)
	}
	for _, other := range r.events {
		if other.ID != e.ID && other.Mark != 0 {
			t.Errorf("%v carries a mark", other.Type)
		}
	}
}

func TestStopIsMarkedOnce(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	call := r.step(0).Calls[0]
	fx := r.step(1, interp.Message{Kind: interp.StopRequested, Mark: 5,
		Error: &flow.Error{Name: "Why"}}, interp.Message{Kind: interp.StopRequested})
	r.wantEvents(fx, flow.StateAborted, flow.ExecutionStopped)
	r.wantRejections(fx, interp.Accepted, interp.AlreadyEnded)
	if fx.Events[0].Mark != 0 || fx.Events[1].Mark != 5 || fx.Replies[0].Event != fx.Events[1].ID {
		t.Errorf("marks %d %d, reply with event %d", fx.Events[0].Mark, fx.Events[1].Mark,
			fx.Replies[0].Event)
	}
	r.wantRejections(r.step(2, callCompleted(&call, `{}`)), interp.AlreadyEnded)
	if r.s.Status != flow.Stopped || r.s.Error.Name != "Why" || r.s.Stopped != start+1 ||
		r.s.Output != nil {
		t.Errorf("%v %v %d", r.s.Status, r.s.Error, r.s.Stopped-start)
	}
}

func TestFlowV1TokenSurvivesRetries(t *testing.T) {
	r := newHarness(t, flowV1(taskV1), `{}`)
	call := r.step(0).Calls[0]
	fx := r.step(10, callFailed(&call, "Busy"), taskReported(&call, `{}`))
	r.wantEvents(fx, flow.TaskSubmitFailed)
	r.wantRejections(fx, interp.Accepted, interp.RetryLater)
	r.wantRejections(r.step(20, taskReported(&call, `{}`)), interp.RetryLater)
	again := r.step(10_010).Calls[0]
	if again.Token != call.Token || again.Attempt == call.Attempt || again.Key == call.Key {
		t.Errorf("first %+v\nagain %+v", call, again)
	}
	fx = r.step(10_020, taskReported(&call, `{"x":1}`))
	r.wantRejections(fx, interp.Accepted)
	if r.s.Status != flow.Succeeded || string(r.s.Output.Text()) != `{"x":1}` {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
	r.wantRejections(r.step(10_030, taskReported(&call, `{}`)), interp.AlreadyEnded)
}

func TestStateMachineTokenNamesTheAttempt(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a",
		`TaskMode: WaitForCustomCallback, Retry: [{Errors: [FnF.ALL], MaxAttempts: 3, IntervalSeconds: 10}], End: true`)), `{}`)
	call := r.step(0).Calls[0]
	r.step(10, callFailed(&call, "Busy"))
	r.wantRejections(r.step(20, taskReported(&call, `{}`)), interp.AlreadyEnded)
	again := r.step(10_010).Calls[0]
	if again.Token == call.Token {
		t.Error("a retry has the token of the attempt before")
	}
	r.wantRejections(r.step(10_020, taskReported(&call, `{}`), taskReported(&again, `{}`)),
		interp.AlreadyEnded, interp.Accepted)
}

func TestReportToTaskThatDoesNotWait(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	call := r.step(0).Calls[0]
	if call.Token != "" {
		t.Errorf("token %q", call.Token)
	}
	fx := r.step(1, interp.Message{Kind: interp.TaskReported, TokenID: call.Attempt,
		Output: []byte(`{}`)})
	r.wantRejections(fx, interp.NotWaiting)
	r.wantEvents(fx)
}

func TestReportBeforeTheCall(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `TaskMode: WaitForCustomCallback, Next: b`),
		`{Name: b, Type: Wait, Seconds: 1, End: true}`), `{}`)
	r.lease.Max = 0
	r.step(0)
	r.lease.Max = 1
	call := newHarness(t, stateMachine(fc("a", `TaskMode: WaitForCustomCallback, Next: b`),
		`{Name: b, Type: Wait, Seconds: 1, End: true}`), `{}`).step(0).Calls[0]
	fx := r.step(1, taskReported(&call, `{}`))
	r.wantRejections(fx, interp.Accepted)
	r.wantEvents(fx, flow.TaskStarted, flow.TaskSubmitted, flow.TaskSucceeded, flow.StateSucceeded,
		flow.StateEntered, flow.StateStarted)
	if len(fx.Calls) != 0 {
		t.Error("a reported task is called")
	}
}

// TestResultBelongsToTheAttempt: a result counts as long as the attempt is open, no matter which
// process holds the lease.
func TestResultBelongsToTheAttempt(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	r.lease.DurationMax = 1000
	call := r.step(0).Calls[0]
	if call.Until != start+1000+interp.LeaseMargin {
		t.Errorf("lease until +%d", call.Until-start)
	}
	over := interp.Message{Kind: interp.LeaseExpired, Attempt: call.Attempt, Owner: owner}
	fx := r.stepInput(interp.StepInput{At: start + 22_000, Messages: []interp.Message{over, over}})
	r.wantRejections(fx, interp.Accepted, interp.AlreadyEnded)
	r.wantEvents(fx)
	if !r.s.Ready() || !fx.Changed {
		t.Error("the attempt is not ready again")
	}
	fx = r.stepInput(interp.StepInput{At: start + 23_000,
		Messages: []interp.Message{callCompleted(&call, `{}`)}})
	r.wantRejections(fx, interp.Accepted)
	if r.s.Status != flow.Succeeded {
		t.Errorf("%v", r.s.Status)
	}
}

// TestMaxCalls also stores the execution between the leases, because the body counts them.
func TestMaxCalls(t *testing.T) {
	http := `{Name: a, Type: Task, Action: "HTTP:Request", Parameters: {url: "http://127.0.0.1/", method: GET}, End: true}`
	for mode, c := range map[string]struct {
		state, err string
		want       []flow.EventType
	}{
		"call": {fc("a", "End: true"), "FC.Unknown",
			[]flow.EventType{flow.TaskFailed, flow.StateFailed, flow.ExecutionFailed}},
		"callback": {fc("a", "TaskMode: WaitForCustomCallback, End: true"), "FC.Unknown",
			[]flow.EventType{flow.TaskSubmitFailed, flow.StateFailed, flow.ExecutionFailed}},
		"http": {http, "HTTP.RequestFailed", []flow.EventType{flow.TaskFailed, flow.StateFailed,
			flow.ExecutionFailed}},
	} {
		r := newHarness(t, stateMachine(c.state), `{}`)
		call := r.step(0).Calls[0]
		messages := []interp.Message{{Kind: interp.LeaseExpired, Attempt: call.Attempt,
			Owner: owner}}
		for i := range interp.CallsMax - 1 {
			fx := r.step(int64(i), messages...)
			r.wantEvents(fx)
			if len(fx.Calls) != 1 || fx.Calls[0].Key != call.Key ||
				fx.Calls[0].Token != call.Token {
				t.Fatalf("%s: lease %d: %+v", mode, i, fx.Calls)
			}
			r.reload()
		}
		r.wantEvents(r.step(10, messages...), c.want...)
		if r.s.Error.Name != c.err || messages[0].Error != nil {
			t.Errorf("%s: %v, the message became %v", mode, r.s.Error, messages[0].Error)
		}
	}
}

// TestCallReturned: a returned call is repeated and never counts as lost, no matter how often it is
// returned.
func TestCallReturned(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	call := r.step(0).Calls[0]
	for i := range 2 * interp.CallsMax {
		back := interp.Message{Kind: interp.CallReturned, Attempt: call.Attempt, Owner: owner}
		fx := r.stepInput(interp.StepInput{At: start + int64(i),
			Messages: []interp.Message{{Kind: interp.CallReturned, Attempt: call.Attempt,
				Owner: owner + 1}, back, back}})
		r.wantRejections(fx, interp.AlreadyEnded, interp.Accepted, interp.AlreadyEnded)
		r.wantEvents(fx)
		if !r.s.Ready() || !fx.Changed || len(r.s.Leases()) != 0 {
			t.Fatalf("the attempt is not ready again: %+v", r.s.Leases())
		}
		r.reload()
		if fx = r.step(int64(i)); len(fx.Calls) != 1 || fx.Calls[0].Key != call.Key {
			t.Fatalf("%+v", fx.Calls)
		}
	}
	r.wantRejections(r.stepInput(interp.StepInput{At: start + 100,
		Messages: []interp.Message{callCompleted(&call, `{}`)}}), interp.Accepted)
	if r.s.Status != flow.Succeeded {
		t.Errorf("%v", r.s.Status)
	}
}

func TestLeaseRenewed(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	r.lease.DurationMax = 1000
	call := r.step(0).Calls[0]
	fx := r.step(1, interp.Message{Kind: interp.LeaseRenewed, Attempt: call.Attempt,
		Owner: owner + 1, Until: start + 99},
		interp.Message{Kind: interp.LeaseRenewed, Attempt: call.Attempt, Owner: owner,
			Until: start + 50_000})
	r.wantRejections(fx, interp.AlreadyEnded, interp.Accepted)
	if l := r.s.Leases(); len(l) != 1 || l[0].Until != start+50_000 {
		t.Errorf("%+v", l)
	}
	if at := r.s.NextWakeTime(0); at != start+50_000+interp.LeaseMargin {
		t.Errorf("next due +%d", at-start)
	}
	if at := r.s.NextWakeTime(owner); at != start+3_600_000 {
		t.Errorf("next due of the owner +%d", at-start)
	}
}

// TestDeliveredTwice: delivering one outbox entry twice removes no other entry.
func TestDeliveredTwice(t *testing.T) {
	child := `{Name: %, Type: Task, Action: FNF:StartExecution, TaskMode: WaitForSystemCallback, Parameters: {resourceArn: "acs:fnf:::flow/child", executionName: n%}, End: true}`
	m := stateMachine(`{Name: p, Type: Parallel, Branches: [{StartAt: a, States: [` + string(bytes.ReplaceAll([]byte(child), []byte("%"), []byte("a"))) + `]},
    {StartAt: b, States: [` + string(bytes.ReplaceAll([]byte(child), []byte("%"), []byte("b"))) + `]}], End: true}`)
	r := newHarness(t, m, `{}`)
	r.s.CallbackToken = "parent"
	r.step(0)
	r.step(1, interp.Message{Kind: interp.StopRequested})
	if len(r.s.Outbox) != 3 || r.s.Outbox[0].Name != "na" || r.s.Outbox[1].Name != "nb" ||
		r.s.Outbox[0].Flow != "child" || r.s.Outbox[2].Token != "parent" {
		t.Fatalf("%+v", r.s.Outbox)
	}
	sent := interp.Message{Kind: interp.Delivered, OutboxID: r.s.Outbox[0].ID}
	r.step(2, sent, sent)
	if fx := r.step(3, sent); fx.Changed || len(r.s.Outbox) != 2 || r.s.Outbox[0].Name != "nb" {
		t.Fatalf("%+v", r.s.Outbox)
	}
	r.step(4, interp.Message{Kind: interp.Delivered, OutboxID: r.s.Outbox[0].ID, Next: start + 9})
	if o := r.s.Outbox[0]; o.Next != start+9 || o.Tries != 1 || !r.s.Unsent() ||
		r.s.NextWakeTime(0) != start+9 {
		t.Errorf("%+v", o)
	}
	if e := r.s.Outbox[1].Error; e.Name != flow.ErrExecutionStopped {
		t.Errorf("%v", e)
	}
}

// TestFailedStartIsStopped: a start that fails may have started an execution, and so may an earlier
// call, unless the error proves that none of them has. An execution for which no attempt waits must
// be stopped.
func TestFailedStartIsStopped(t *testing.T) {
	child := `{Name: a, Type: Task, Action: FNF:StartExecution, TaskMode: %s, Parameters: {resourceArn: "acs:fnf:::flow/child", executionName: n}, End: true}`
	startV1 := `{type: task, name: a, resourceArn: "acs:fnf:::flow/child", pattern: sync}`
	for _, c := range []struct {
		definition, error string
		stops             int
	}{
		{stateMachine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.InternalServerError", 1},
		{stateMachine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.AccessDenied", 1},
		{stateMachine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.ResourceThrottled", 1},
		{stateMachine(fmt.Sprintf(child, "WaitForSystemCallback")), flow.ErrTaskTimeout, 1},
		{stateMachine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.ExecutionAlreadyExists",
			0},
		{stateMachine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.FlowNotExists", 0},
		{stateMachine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.InvalidArgument", 0},
		{stateMachine(fmt.Sprintf(child, "WaitForCustomCallback")), "FNF.InternalServerError", 0},
		{flowV1(startV1), "fnf.InternalServerError", 1},
		{flowV1(startV1), "FnF.ExecutionAlreadyExists", 0},
		{flowV1(startV1), "fnf.MissingRequiredParams", 0},
	} {
		r := newHarness(t, c.definition, `{}`)
		call := r.step(0).Calls[0]
		fx := r.step(1, callFailed(&call, c.error))
		if len(fx.Events) == 0 || fx.Events[0].Type != flow.TaskSubmitFailed ||
			len(r.s.Outbox) != c.stops {
			t.Errorf("%s: %v, outbox %+v", c.error, fx.Events, r.s.Outbox)
		}
		for _, o := range r.s.Outbox {
			if o.Kind != interp.OutboxStopChild || o.ID != call.Attempt || o.Flow != "child" {
				t.Errorf("%s: %+v", c.error, o)
			}
		}
	}
}

// TestCallbackOfTimedOutChild: the waiting task sees the error name of its own dialect. A report of
// anybody else keeps its name, even if it reads the same.
func TestCallbackOfTimedOutChild(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: w, Type: Wait, Seconds: 100, End: true}`), `{}`)
	r.s.CallbackToken, r.s.Deadline = "parent", start+1000
	r.step(0)
	r.wantEvents(r.step(1000), flow.StateAborted, flow.ExecutionTimedOut)
	told := r.s.Outbox[0].Error
	for dialect, want := range map[flow.Dialect]string{
		flow.StateMachine: flow.ErrExecutionTimedOut, flow.FlowV1: flow.ErrTaskTimeout,
	} {
		if got := interp.ChildTimedOut(dialect, told); got.Name != want || got.Cause != told.Cause {
			t.Errorf("want %s, got %v", want, got)
		}
	}
	for _, definition := range []string{
		stateMachine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)),
		flowV1(`{type: task, name: a, resourceArn: "acs:fc:::services/s/functions/f", ` +
			`pattern: waitForCallback}`),
	} {
		waiting := newHarness(t, definition, `{}`)
		call := waiting.step(0).Calls[0]
		n := taskReported(&call, "")
		n.Output, n.Error = nil, told
		waiting.step(1, n)
		if got := waiting.s.Error; got == nil || *got != *told {
			t.Errorf("a report of %v gives %v", told, got)
		}
	}
}

// TestMessageWithoutMachine: applying messages needs no definition. A later step continues from
// there.
func TestMessageWithoutMachine(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)), `{}`)
	call := r.step(0).Calls[0]
	m := r.m
	r.m = nil
	fx := r.step(1, taskReported(&call, `{}`))
	r.wantEvents(fx, flow.TaskSubmitted, flow.TaskSucceeded)
	if !r.s.Ready() {
		t.Error("nothing is ready")
	}
	r.m = m
	r.wantEvents(r.step(2), flow.StateSucceeded, flow.ExecutionSucceeded)
	if r.s.Ready() {
		t.Error("something is ready after the end")
	}
}

// TestCompletionAfterSubmission: a submitted task waits for its report, whatever a second call
// returns.
func TestCompletionAfterSubmission(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)), `{}`)
	call := r.step(0).Calls[0]
	r.wantEvents(r.step(1, callCompleted(&call, `{}`)), flow.TaskSubmitted)
	fx := r.step(2, callFailed(&call, "Busy"), callCompleted(&call, `{}`))
	r.wantRejections(fx, interp.AlreadyEnded, interp.AlreadyEnded)
	r.wantEvents(fx)
	r.wantRejections(r.step(3, taskReported(&call, `{}`)), interp.Accepted)
}

func TestEngineFailed(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `End: true`)), `{}`)
	r.step(0)
	r.wantEvents(r.step(1, interp.Message{Kind: interp.EngineFailed,
		Error: &flow.Error{Name: "FnF.InternalError"}}), flow.StateAborted, flow.ExecutionFailed)
	if r.s.Status != flow.Failed || r.s.Error.Name != "FnF.InternalError" {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestTimesDoNotGoBack: the clocks of two callers differ.
func TestTimesDoNotGoBack(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", `Next: b`), `{Name: b, Type: Pass, End: true}`), `{}`)
	call := r.step(5000).Calls[0]
	r.step(100, callCompleted(&call, `{}`))
	for _, e := range r.events {
		if e.Time != start+5000 {
			t.Errorf("%v at +%d", e.Type, e.Time-start)
		}
	}
}

// TestEveryChangeIsReported: a step that writes no event may still change the state, because a wait
// or a backoff begins.
func TestEveryChangeIsReported(t *testing.T) {
	r := newHarness(t, stateMachine(`{Name: w, Type: Wait, Seconds: 5, End: true}`), `{}`)
	for range 10 {
		before := r.s.AppendBody(nil)
		fx := r.stepInput(interp.StepInput{At: start, EventsMax: 1})
		if changed := !bytes.Equal(before, r.s.AppendBody(nil)); changed && !fx.Changed {
			t.Fatalf("a change is not said; events %v", types(fx))
		}
		if !fx.More && r.s.NextWakeTime(0) == start+5000 {
			return
		}
	}
	t.Error("the wait does not begin")
}

// TestLeaseMax: an attempt that is not leased stays ready for the next step.
func TestLeaseMax(t *testing.T) {
	r := newHarness(t, stateMachine(
		`{Name: m, Type: Map, ItemsPath: "[1,2,3]", Processor: {StartAt: a, States: [`+fc("a",
			"End: true")+`]}, End: true}`), `{}`)
	r.lease.Max = 2
	if fx := r.step(0); len(fx.Calls) != 2 || !r.s.Ready() {
		t.Fatalf("%d calls", len(fx.Calls))
	}
	if fx := r.step(1); len(fx.Calls) != 1 || r.s.Ready() {
		t.Fatalf("%d calls", len(fx.Calls))
	}
	if fx := r.step(2); len(fx.Calls) != 0 || fx.Changed {
		t.Fatalf("%d calls", len(fx.Calls))
	}
}

// TestReadyIsStored: a Map that waits with items left is not ready until something happens, also
// after decoding. Then it is ready, even if no process has advanced it.
func TestReadyIsStored(t *testing.T) {
	r := newHarness(t, stateMachine(
		`{Name: m, Type: Map, ItemsPath: "[1,2,3]", MaxConcurrency: 1, Processor: {StartAt: a, States: [`+fc("a", "End: true")+`]}, End: true}`), `{}`)
	call := r.step(0).Calls[0]
	for range 2 {
		if r.s.Ready() {
			t.Fatal("it is ready although its call is under way")
		}
		r.reload()
	}
	m := r.m
	r.m = nil
	r.step(1, callCompleted(&call, `{}`))
	for range 2 {
		if !r.s.Ready() {
			t.Fatal("it is not ready although its call is answered")
		}
		r.reload()
	}
	r.m = m
	if fx := r.step(2); len(fx.Calls) != 1 || r.s.Ready() {
		t.Errorf("%d calls", len(fx.Calls))
	}
}
