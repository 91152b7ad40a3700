package interp_test

import (
	"bytes"
	"fmt"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// room is an execution that a test steps by hand.
type room struct {
	t      *testing.T
	m      *flow.Machine
	s      *interp.State
	limits flow.Limits
	events []flow.HistoryEvent
	taken  interp.Take
}

func newRoom(t *testing.T, definition, input string) *room {
	m := parse(t, definition, flow.Standard)
	return &room{t: t, m: m, s: interp.New(facts(m, decode(t, input))), limits: flow.DefaultLimits(), taken: interp.Take{Max: 100, Owner: owner}}
}

// step folds news at a time in ms after the start, and takes what is ready.
func (r *room) step(at int64, news ...interp.News) interp.Effects {
	return r.event(interp.Event{At: start + at, News: news, Take: &r.taken})
}

func (r *room) event(ev interp.Event) interp.Effects {
	fx := interp.Step(r.m, &r.limits, r.s, ev)
	r.events = append(r.events, fx.Events...)
	return fx
}

// types are the types of events that a step has written.
func types(fx interp.Effects) (out []flow.EventType) {
	for _, e := range fx.Events {
		out = append(out, e.Type)
	}
	return out
}

func (r *room) wrote(fx interp.Effects, want ...flow.EventType) {
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

func (r *room) refused(fx interp.Effects, want ...interp.Refusal) {
	r.t.Helper()
	for i, w := range want {
		if fx.Verdicts[i].Refusal != w {
			r.t.Fatalf("news %d: want refusal %d, got %d", i, w, fx.Verdicts[i].Refusal)
		}
	}
}

// store writes the execution's body and goes on with what it reads.
func (r *room) store() {
	r.t.Helper()
	s := interp.New(r.s.Facts)
	s.Status, s.LastEvent, s.LastTime = r.s.Status, r.s.LastEvent, r.s.LastTime
	if err := s.DecodeBody(r.s.AppendBody(nil)); err != nil {
		r.t.Fatal(err)
	}
	r.s = s
}

const oldTask = `{type: task, name: a, resourceArn: "acs:fc:::services/s/functions/f", pattern: waitForCallback, retry: [{errors: [FnF.ALL], intervalSeconds: 10}]}`

func TestVerdictNamesTheEvent(t *testing.T) {
	r := newRoom(t, machine(fc("a", `TaskMode: WaitForCustomCallback, Next: b`), `{Name: b, Type: Wait, Seconds: 9, End: true}`), `{}`)
	call := r.step(0).Calls[0]
	fx := r.step(1, report(&call, `{}`), report(&call, `{}`), answer(&call, `{}`))
	r.refused(fx, interp.Accepted, interp.AlreadyEnded, interp.AlreadyEnded)
	e := r.events[fx.Verdicts[0].Event-1]
	if e.Type != flow.TaskSucceeded || e.Mark != 77 {
		t.Errorf("the verdict names %v with mark %d", e.Type, e.Mark)
	}
	for _, other := range r.events {
		if other.ID != e.ID && other.Mark != 0 {
			t.Errorf("%v carries a mark", other.Type)
		}
	}
}

func TestStopIsMarkedOnce(t *testing.T) {
	r := newRoom(t, machine(fc("a", `End: true`)), `{}`)
	call := r.step(0).Calls[0]
	fx := r.step(1, interp.News{Kind: interp.StopAsked, Mark: 5, Error: &flow.Error{Name: "Why"}}, interp.News{Kind: interp.StopAsked})
	r.wrote(fx, flow.StateAborted, flow.ExecutionStopped)
	r.refused(fx, interp.Accepted, interp.AlreadyEnded)
	if fx.Events[0].Mark != 0 || fx.Events[1].Mark != 5 || fx.Verdicts[0].Event != fx.Events[1].ID {
		t.Errorf("marks %d %d, verdict %d", fx.Events[0].Mark, fx.Events[1].Mark, fx.Verdicts[0].Event)
	}
	r.refused(r.step(2, answer(&call, `{}`)), interp.AlreadyEnded)
	if r.s.Status != flow.Stopped || r.s.Error.Name != "Why" || r.s.Stopped != start+1 || r.s.Output != nil {
		t.Errorf("%v %v %d", r.s.Status, r.s.Error, r.s.Stopped-start)
	}
}

func TestOldTokenSurvivesRetries(t *testing.T) {
	r := newRoom(t, steps(oldTask), `{}`)
	call := r.step(0).Calls[0]
	fx := r.step(10, failure(&call, "Busy"), report(&call, `{}`))
	r.wrote(fx, flow.TaskSubmitFailed)
	r.refused(fx, interp.Accepted, interp.NotYet)
	r.refused(r.step(20, report(&call, `{}`)), interp.NotYet)
	again := r.step(10_010).Calls[0]
	if again.Token != call.Token || again.Attempt == call.Attempt || again.Key == call.Key {
		t.Errorf("first %+v\nagain %+v", call, again)
	}
	fx = r.step(10_020, report(&call, `{"x":1}`))
	r.refused(fx, interp.Accepted)
	if r.s.Status != flow.Succeeded || string(r.s.Output.Text()) != `{"x":1}` {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
	r.refused(r.step(10_030, report(&call, `{}`)), interp.AlreadyEnded)
}

func TestNewTokenNamesTheAttempt(t *testing.T) {
	r := newRoom(t, machine(fc("a", `TaskMode: WaitForCustomCallback, Retry: [{Errors: [FnF.ALL], MaxAttempts: 3, IntervalSeconds: 10}], End: true`)), `{}`)
	call := r.step(0).Calls[0]
	r.step(10, failure(&call, "Busy"))
	r.refused(r.step(20, report(&call, `{}`)), interp.AlreadyEnded)
	again := r.step(10_010).Calls[0]
	if again.Token == call.Token {
		t.Error("a retry has the token of the attempt before")
	}
	r.refused(r.step(10_020, report(&call, `{}`), report(&again, `{}`)), interp.AlreadyEnded, interp.Accepted)
}

func TestReportToTaskThatDoesNotWait(t *testing.T) {
	r := newRoom(t, machine(fc("a", `End: true`)), `{}`)
	call := r.step(0).Calls[0]
	if call.Token != "" {
		t.Errorf("token %q", call.Token)
	}
	fx := r.step(1, interp.News{Kind: interp.Reported, Token: call.Attempt, Output: []byte(`{}`)})
	r.refused(fx, interp.NotWaiting)
	r.wrote(fx)
}

func TestReportBeforeTheCall(t *testing.T) {
	r := newRoom(t, machine(fc("a", `TaskMode: WaitForCustomCallback, Next: b`), `{Name: b, Type: Wait, Seconds: 1, End: true}`), `{}`)
	r.taken.Max = 0
	r.step(0)
	r.taken.Max = 1
	call := newRoom(t, machine(fc("a", `TaskMode: WaitForCustomCallback, Next: b`), `{Name: b, Type: Wait, Seconds: 1, End: true}`), `{}`).step(0).Calls[0]
	fx := r.step(1, report(&call, `{}`))
	r.refused(fx, interp.Accepted)
	r.wrote(fx, flow.TaskStarted, flow.TaskSubmitted, flow.TaskSucceeded, flow.StateSucceeded, flow.StateEntered, flow.StateStarted)
	if len(fx.Calls) != 0 {
		t.Error("a reported task is called")
	}
}

// TestResultBelongsToTheAttempt: a result counts as long as the attempt is open, whoever holds the lease.
func TestResultBelongsToTheAttempt(t *testing.T) {
	r := newRoom(t, machine(fc("a", `End: true`)), `{}`)
	r.taken.LeaseMax = 1000
	call := r.step(0).Calls[0]
	if call.Until != start+1000+interp.LeaseMargin {
		t.Errorf("lease until +%d", call.Until-start)
	}
	over := interp.News{Kind: interp.LeaseOver, Attempt: call.Attempt, Owner: owner}
	fx := r.event(interp.Event{At: start + 22_000, News: []interp.News{over, over}})
	r.refused(fx, interp.Accepted, interp.AlreadyEnded)
	r.wrote(fx)
	if !r.s.Ready() || !fx.Changed {
		t.Error("the attempt is not ready again")
	}
	fx = r.event(interp.Event{At: start + 23_000, News: []interp.News{answer(&call, `{}`)}})
	r.refused(fx, interp.Accepted)
	if r.s.Status != flow.Succeeded {
		t.Errorf("%v", r.s.Status)
	}
}

// TestCallsMax also stores the execution between the leases: they are counted in its body.
func TestCallsMax(t *testing.T) {
	http := `{Name: a, Type: Task, Action: "HTTP:Request", Parameters: {url: "http://127.0.0.1/", method: GET}, End: true}`
	for mode, c := range map[string]struct {
		state, err string
		want       []flow.EventType
	}{
		"call":     {fc("a", "End: true"), "FC.Unknown", []flow.EventType{flow.TaskFailed, flow.StateFailed, flow.ExecutionFailed}},
		"callback": {fc("a", "TaskMode: WaitForCustomCallback, End: true"), "FC.Unknown", []flow.EventType{flow.TaskSubmitFailed, flow.StateFailed, flow.ExecutionFailed}},
		"http":     {http, "HTTP.RequestFailed", []flow.EventType{flow.TaskFailed, flow.StateFailed, flow.ExecutionFailed}},
	} {
		r := newRoom(t, machine(c.state), `{}`)
		call := r.step(0).Calls[0]
		news := []interp.News{{Kind: interp.LeaseOver, Attempt: call.Attempt, Owner: owner}}
		for i := range interp.CallsMax - 1 {
			fx := r.step(int64(i), news...)
			r.wrote(fx)
			if len(fx.Calls) != 1 || fx.Calls[0].Key != call.Key || fx.Calls[0].Token != call.Token {
				t.Fatalf("%s: lease %d: %+v", mode, i, fx.Calls)
			}
			r.store()
		}
		r.wrote(r.step(10, news...), c.want...)
		if r.s.Error.Name != c.err || news[0].Error != nil {
			t.Errorf("%s: %v, the news became %v", mode, r.s.Error, news[0].Error)
		}
	}
}

// TestReturned: a call that is given back is called again, and is not one that was lost, however often.
func TestReturned(t *testing.T) {
	r := newRoom(t, machine(fc("a", `End: true`)), `{}`)
	call := r.step(0).Calls[0]
	for i := range 2 * interp.CallsMax {
		back := interp.News{Kind: interp.Returned, Attempt: call.Attempt, Owner: owner}
		fx := r.event(interp.Event{At: start + int64(i), News: []interp.News{{Kind: interp.Returned, Attempt: call.Attempt, Owner: owner + 1}, back, back}})
		r.refused(fx, interp.AlreadyEnded, interp.Accepted, interp.AlreadyEnded)
		r.wrote(fx)
		if !r.s.Ready() || !fx.Changed || len(r.s.Leases()) != 0 {
			t.Fatalf("the attempt is not ready again: %+v", r.s.Leases())
		}
		r.store()
		if fx = r.step(int64(i)); len(fx.Calls) != 1 || fx.Calls[0].Key != call.Key {
			t.Fatalf("%+v", fx.Calls)
		}
	}
	r.refused(r.event(interp.Event{At: start + 100, News: []interp.News{answer(&call, `{}`)}}), interp.Accepted)
	if r.s.Status != flow.Succeeded {
		t.Errorf("%v", r.s.Status)
	}
}

func TestRenewed(t *testing.T) {
	r := newRoom(t, machine(fc("a", `End: true`)), `{}`)
	r.taken.LeaseMax = 1000
	call := r.step(0).Calls[0]
	fx := r.step(1, interp.News{Kind: interp.Renewed, Attempt: call.Attempt, Owner: owner + 1, Until: start + 99},
		interp.News{Kind: interp.Renewed, Attempt: call.Attempt, Owner: owner, Until: start + 50_000})
	r.refused(fx, interp.AlreadyEnded, interp.Accepted)
	if l := r.s.Leases(); len(l) != 1 || l[0].Until != start+50_000 {
		t.Errorf("%+v", l)
	}
	if at := r.s.NextDue(0); at != start+50_000+interp.LeaseMargin {
		t.Errorf("next due +%d", at-start)
	}
	if at := r.s.NextDue(owner); at != start+3_600_000 {
		t.Errorf("next due of the owner +%d", at-start)
	}
}

// TestSentTwice: an outgoing that is cleared twice takes no other with it.
func TestSentTwice(t *testing.T) {
	child := `{Name: %, Type: Task, Action: FNF:StartExecution, TaskMode: WaitForSystemCallback, Parameters: {resourceArn: "acs:fnf:::flow/child", executionName: n%}, End: true}`
	m := machine(`{Name: p, Type: Parallel, Branches: [{StartAt: a, States: [` + string(bytes.ReplaceAll([]byte(child), []byte("%"), []byte("a"))) + `]},
    {StartAt: b, States: [` + string(bytes.ReplaceAll([]byte(child), []byte("%"), []byte("b"))) + `]}], End: true}`)
	r := newRoom(t, m, `{}`)
	r.s.Callback = "parent"
	r.step(0)
	r.step(1, interp.News{Kind: interp.StopAsked})
	if len(r.s.Outbox) != 3 || r.s.Outbox[0].Name != "na" || r.s.Outbox[1].Name != "nb" || r.s.Outbox[0].Flow != "child" || r.s.Outbox[2].Token != "parent" {
		t.Fatalf("%+v", r.s.Outbox)
	}
	sent := interp.News{Kind: interp.Sent, Outgoing: r.s.Outbox[0].ID}
	r.step(2, sent, sent)
	if fx := r.step(3, sent); fx.Changed || len(r.s.Outbox) != 2 || r.s.Outbox[0].Name != "nb" {
		t.Fatalf("%+v", r.s.Outbox)
	}
	r.step(4, interp.News{Kind: interp.Sent, Outgoing: r.s.Outbox[0].ID, Next: start + 9})
	if o := r.s.Outbox[0]; o.Next != start+9 || o.Tries != 1 || !r.s.Unsent() || r.s.NextDue(0) != start+9 {
		t.Errorf("%+v", o)
	}
	if e := r.s.Outbox[1].Error; e.Name != flow.ErrExecutionStopped {
		t.Errorf("%v", e)
	}
}

// TestFailedStartIsStopped: a start that fails may have started something, or a call before it has, unless the error says
// that the attempt cannot have. What nobody will wait for is to be stopped.
func TestFailedStartIsStopped(t *testing.T) {
	child := `{Name: a, Type: Task, Action: FNF:StartExecution, TaskMode: %s, Parameters: {resourceArn: "acs:fnf:::flow/child", executionName: n}, End: true}`
	old := `{type: task, name: a, resourceArn: "acs:fnf:::flow/child", pattern: sync}`
	for _, c := range []struct {
		definition, error string
		stops             int
	}{
		{machine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.InternalServerError", 1},
		{machine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.AccessDenied", 1},
		{machine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.ResourceThrottled", 1},
		{machine(fmt.Sprintf(child, "WaitForSystemCallback")), flow.ErrTaskTimeout, 1},
		{machine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.ExecutionAlreadyExists", 0},
		{machine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.FlowNotExists", 0},
		{machine(fmt.Sprintf(child, "WaitForSystemCallback")), "FNF.InvalidArgument", 0},
		{machine(fmt.Sprintf(child, "WaitForCustomCallback")), "FNF.InternalServerError", 0},
		{steps(old), "fnf.InternalServerError", 1},
		{steps(old), "FnF.ExecutionAlreadyExists", 0},
		{steps(old), "fnf.MissingRequiredParams", 0},
	} {
		r := newRoom(t, c.definition, `{}`)
		call := r.step(0).Calls[0]
		fx := r.step(1, failure(&call, c.error))
		if len(fx.Events) == 0 || fx.Events[0].Type != flow.TaskSubmitFailed || len(r.s.Outbox) != c.stops {
			t.Errorf("%s: %v, outbox %+v", c.error, fx.Events, r.s.Outbox)
		}
		for _, o := range r.s.Outbox {
			if o.Kind != interp.StopChild || o.ID != call.Attempt || o.Flow != "child" {
				t.Errorf("%s: %+v", c.error, o)
			}
		}
	}
}

// TestCallbackOfTimedOutChild: the name that the waiting task sees is that of its own language.
func TestCallbackOfTimedOutChild(t *testing.T) {
	r := newRoom(t, machine(`{Name: w, Type: Wait, Seconds: 100, End: true}`), `{}`)
	r.s.Callback, r.s.Deadline = "parent", start+1000
	r.step(0)
	r.wrote(r.step(1000), flow.StateAborted, flow.ExecutionTimedOut)
	told := r.s.Outbox[0].Error
	for definition, want := range map[string]string{
		machine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)):                                           flow.ErrExecutionTimedOut,
		steps(`{type: task, name: a, resourceArn: "acs:fc:::services/s/functions/f", pattern: waitForCallback}`): flow.ErrTaskTimeout,
	} {
		parent := newRoom(t, definition, `{}`)
		call := parent.step(0).Calls[0]
		n := report(&call, "")
		n.Output, n.Error = nil, told
		parent.step(1, n)
		if parent.s.Error == nil || parent.s.Error.Name != want {
			t.Errorf("want %s, got %v", want, parent.s.Error)
		}
	}
}

// TestNewsWithoutMachine: taking in news needs no definition; a later step goes on from there.
func TestNewsWithoutMachine(t *testing.T) {
	r := newRoom(t, machine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)), `{}`)
	call := r.step(0).Calls[0]
	m := r.m
	r.m = nil
	fx := r.step(1, report(&call, `{}`))
	r.wrote(fx, flow.TaskSubmitted, flow.TaskSucceeded)
	if !r.s.Ready() {
		t.Error("nothing is ready")
	}
	r.m = m
	r.wrote(r.step(2), flow.StateSucceeded, flow.ExecutionSucceeded)
	if r.s.Ready() {
		t.Error("something is ready after the end")
	}
}

// TestAnswerAfterSubmission: a task that is submitted waits for its report, whatever a second call is answered.
func TestAnswerAfterSubmission(t *testing.T) {
	r := newRoom(t, machine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)), `{}`)
	call := r.step(0).Calls[0]
	r.wrote(r.step(1, answer(&call, `{}`)), flow.TaskSubmitted)
	fx := r.step(2, failure(&call, "Busy"), answer(&call, `{}`))
	r.refused(fx, interp.AlreadyEnded, interp.AlreadyEnded)
	r.wrote(fx)
	r.refused(r.step(3, report(&call, `{}`)), interp.Accepted)
}

func TestBroken(t *testing.T) {
	r := newRoom(t, machine(fc("a", `End: true`)), `{}`)
	r.step(0)
	r.wrote(r.step(1, interp.News{Kind: interp.Broken, Error: &flow.Error{Name: "FnF.InternalError"}}), flow.StateAborted, flow.ExecutionFailed)
	if r.s.Status != flow.Failed || r.s.Error.Name != "FnF.InternalError" {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestTimesDoNotGoBack: the clocks of two callers differ.
func TestTimesDoNotGoBack(t *testing.T) {
	r := newRoom(t, machine(fc("a", `Next: b`), `{Name: b, Type: Pass, End: true}`), `{}`)
	call := r.step(5000).Calls[0]
	r.step(100, answer(&call, `{}`))
	for _, e := range r.events {
		if e.Time != start+5000 {
			t.Errorf("%v at +%d", e.Type, e.Time-start)
		}
	}
}

// TestEveryChangeIsSaid: a fold that writes no event may still change the state (a wait or a pause begins).
func TestEveryChangeIsSaid(t *testing.T) {
	r := newRoom(t, machine(`{Name: w, Type: Wait, Seconds: 5, End: true}`), `{}`)
	for range 10 {
		before := r.s.AppendBody(nil)
		fx := r.event(interp.Event{At: start, Events: 1})
		if changed := !bytes.Equal(before, r.s.AppendBody(nil)); changed && !fx.Changed {
			t.Fatalf("a change is not said; events %v", types(fx))
		}
		if !fx.More && r.s.NextDue(0) == start+5000 {
			return
		}
	}
	t.Error("the wait does not begin")
}

// TestTakeMax: what is not taken stays ready for the next.
func TestTakeMax(t *testing.T) {
	r := newRoom(t, machine(`{Name: m, Type: Map, ItemsPath: "[1,2,3]", Processor: {StartAt: a, States: [`+fc("a", "End: true")+`]}, End: true}`), `{}`)
	r.taken.Max = 2
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

// TestReadyIsStored: a Map that waits with items left is not ready before something happens, also when it has been read
// again; then it is, even if nobody has run it on.
func TestReadyIsStored(t *testing.T) {
	r := newRoom(t, machine(`{Name: m, Type: Map, ItemsPath: "[1,2,3]", MaxConcurrency: 1, Processor: {StartAt: a, States: [`+fc("a", "End: true")+`]}, End: true}`), `{}`)
	call := r.step(0).Calls[0]
	for range 2 {
		if r.s.Ready() {
			t.Fatal("it is ready although its call is under way")
		}
		r.store()
	}
	m := r.m
	r.m = nil
	r.step(1, answer(&call, `{}`))
	for range 2 {
		if !r.s.Ready() {
			t.Fatal("it is not ready although its call is answered")
		}
		r.store()
	}
	r.m = m
	if fx := r.step(2); len(fx.Calls) != 1 || r.s.Ready() {
		t.Errorf("%d calls", len(fx.Calls))
	}
}
