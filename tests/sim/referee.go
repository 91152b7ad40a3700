package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/task"
	"millrace/tests/reference"
)

// referee records what really happened outside the engine, by execution, and has the reference
// judge each history when the execution has ended. The oracle, which also judges, is the
// interpreter itself; the reference shares no code with it.
type referee struct {
	mu       sync.Mutex
	attempts map[uint64]map[int64]*reference.Attempt // by run and attempt
	reports  map[string][]reference.Outcome          // by token
	ends     map[string][]reference.Event            // of executions that end a task, by its token
	stops    map[string][]reference.Stop             // that were requested, by execution
	sent     map[uint64]map[int64]bool               // attempts whose executions must be stopped
	lost     map[uint64]map[int64]int                // leases that have expired
	broken   map[uint64]bool
}

func newReferee() *referee {
	return &referee{
		attempts: map[uint64]map[int64]*reference.Attempt{},
		reports:  map[string][]reference.Outcome{},
		ends:     map[string][]reference.Event{},
		stops:    map[string][]reference.Stop{},
		sent:     map[uint64]map[int64]bool{},
		lost:     map[uint64]map[int64]int{},
		broken:   map[uint64]bool{},
	}
}

// attempt returns the record of the attempt that a key names.
func (f *referee) attempt(key string) *reference.Attempt {
	var run, id uint64
	fmt.Sscanf(key, "%16x%16x", &run, &id)
	if f.attempts[run] == nil {
		f.attempts[run] = map[int64]*reference.Attempt{}
	}
	a := f.attempts[run][int64(id)]
	if a == nil {
		a = &reference.Attempt{}
		f.attempts[run][int64(id)] = a
	}
	return a
}

// called records a call and its planned result.
func (f *referee) called(r *task.Request, made *plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.attempt(r.Key)
	a.Params, a.Token = string(r.Parameters), r.Token
	if r.TakesInput() {
		a.Input = string(r.Input)
	}
	a.Answers = append(a.Answers, outcomeOf(made.result.Output, made.result.Error,
		made.result.Async, made.delay))
}

// calling records that a process begins a call, which may be cut before or after it is made.
func (w *World) calling(r *task.Request) {
	if w.topology != functions {
		return
	}
	w.referee.mu.Lock()
	defer w.referee.mu.Unlock()
	cut := outcomeOf(nil, &flow.Error{Name: flow.ErrTaskTimeout}, false, w.lease)
	cut.AnyCause = true
	a := w.referee.attempt(r.Key)
	a.Answers = append(a.Answers, cut)
}

// reporting records each report that is made. A repeated report may end another attempt that has
// the same token (docs/protocol.md#task-tokens).
func (f *referee) reporting(token string, n planned) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports[token] = append(f.reports[token], outcomeOf(n.output, n.failure, false, 0))
}

func outcomeOf(output []byte, err *flow.Error, async bool, delay time.Duration) reference.Outcome {
	o := reference.Outcome{Output: string(output), Async: async,
		At: time.Now().Add(delay).UnixMilli()}
	if err != nil {
		o.Error = &reference.Failure{Name: err.Name, Cause: err.Cause}
	}
	return o
}

// starting records that an execution is about to be started for a task. The response comes from the
// code under test.
func (f *referee) starting(c *flow.Child) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.attempt(c.Key)
	a.Unknown = true
	if c.CallbackToken != "" {
		a.Token = c.CallbackToken
	}
	a.Children = append(a.Children, reference.Child{Flow: c.FlowName, Name: c.ExecutionName,
		Input: string(c.Input)})
}

// stopping records that a client requests the stop of an execution.
func (f *referee) stopping(x *launch, name, cause string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	on := x.flow.name + "/" + x.name
	f.stops[on] = append(f.stops[on], reference.Stop{Failure: reference.Failure{Name: name,
		Cause: cause}, At: time.Now().UnixMilli()})
}

// committed handles a commit: it records the engine's own decisions, and judges executions that
// have ended.
func (w *World) committed(r *run, old, x *store.Execution, step *transaction) {
	if slices.Contains(w.blind, "reference") {
		return
	}
	f := w.referee
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, out := range r.state.Outbox {
		if out.Kind == interp.OutboxStopChild {
			mark(f.sent, x.Run, out.ID)
		}
	}
	if step != nil {
		for _, n := range step.input.Messages {
			switch n.Kind {
			case interp.EngineFailed:
				f.broken[x.Run] = true
			case interp.LeaseExpired:
				if f.lost[x.Run] == nil {
					f.lost[x.Run] = map[int64]int{}
				}
				f.lost[x.Run][n.Attempt]++
			}
		}
	}
	if !x.Status.Final() || old != nil && old.Status.Final() {
		return
	}
	events := apiEvents(r)
	if x.Callback != "" {
		f.ends[x.Callback] = append(f.ends[x.Callback], events[len(events)-1])
	}
	w.judgeByReference(r, events)
}

func mark(of map[uint64]map[int64]bool, run uint64, id int64) {
	if of[run] == nil {
		of[run] = map[int64]bool{}
	}
	of[run][id] = true
}

// apiEvents converts a history to the API's form.
func apiEvents(r *run) []reference.Event {
	events := make([]reference.Event, len(r.events))
	for i := range r.events {
		e := &r.events[i]
		events[i] = reference.Event{ID: e.ID, Schedule: e.Schedule, Type: e.Type.String(),
			Step: e.StepName(r.m), Detail: string(e.AppendDetail(nil, r.m)), Time: e.Time}
	}
	return events
}

// judgeByReference has the reference judge an execution that has ended.
func (w *World) judgeByReference(r *run, events []reference.Event) {
	f := w.referee
	v, err := w.askReference(r, events, false)
	if !w.referenceAllows(r.x.Partition(), err) {
		return
	}
	for _, id := range v.Abandoned {
		if !f.sent[r.x.Run][id] {
			w.violate("reference", "%s: attempt %d is over, and its execution is not stopped",
				r.x.Partition(), id)
		}
	}
	for id := range f.sent[r.x.Run] {
		if !slices.Contains(v.Abandoned, id) {
			w.violate("reference", "%s: the execution of attempt %d was to be stopped for nothing",
				r.x.Partition(), id)
		}
	}
	if w.has(withRedrives) {
		return // the whole history is judged again after a redrive
	}
	delete(f.attempts, r.x.Run)
	delete(f.sent, r.x.Run)
	delete(f.lost, r.x.Run)
}

// referenceAllows records the reference's judgement of an execution, and reports whether it allows
// the history.
func (w *World) referenceAllows(of string, err error) bool {
	if unjudged := (*reference.Unjudged)(nil); errors.As(err, &unjudged) {
		w.kinds["not judged by the reference"]++
		return false
	} else if err != nil {
		w.violate("reference", "%s: %v", of, err)
		return false
	}
	w.kinds["judged by the reference"]++
	w.checked("reference")
	return true
}

// referenceLimits converts the limits of an execution to the reference's form.
func (w *World) referenceLimits(x *store.Execution) reference.Limits {
	l := &w.limits
	limits := reference.Limits{Events: l.Events, Data: l.Data(x.Dialect),
		WaitSeconds: l.WaitSeconds, WaitSecondsV1: l.WaitSecondsV1,
		MapConcurrency: l.MapConcurrency, MapConcurrencyMax: l.MapConcurrencyMax,
		IterationsV1: l.IterationsV1,
		TaskSeconds:  l.TaskSeconds, ExecutionSeconds: l.ExecutionSeconds,
		Others: w.limitsOthers()}
	if x.Express {
		limits.WaitSeconds, limits.ExecutionSeconds = l.WaitSecondsExpr, l.ExpressSeconds
	}
	return limits
}

// giveUp marks the attempts whose leases expired so often that the engine may have given them up.
// That includes attempts that were leased each time and never called, because they waited in their
// account's line.
func (f *referee) giveUp(run uint64) {
	for id, times := range f.lost[run] {
		if times < interp.CallsMax {
			continue
		}
		if f.attempts[run] == nil {
			f.attempts[run] = map[int64]*reference.Attempt{}
		}
		if f.attempts[run][id] == nil {
			f.attempts[run][id] = &reference.Attempt{}
		}
		f.attempts[run][id].Lost = true
	}
}

// askReference returns the reference's judgement of an execution.
func (w *World) askReference(r *run, events []reference.Event, unfinished bool,
) (reference.Result, error) {
	f, x := w.referee, r.x
	facts, err := factsOf(w.raw, x)
	if err != nil {
		return reference.Result{}, err
	}
	f.giveUp(x.Run)
	outside := reference.Record{
		Limits:     w.referenceLimits(x),
		Unfinished: unfinished, Known: true, Attempts: f.attempts[x.Run],
		Reports: map[int64][]reference.Outcome{},
		Stops:   w.stopsOf(r), Refused: x.Account == guarded, Broken: f.broken[x.Run],
		Early: 4*w.faults.skew + time.Millisecond, Late: -1,
	}
	for _, a := range outside.Attempts {
		token, ok := interp.ParseToken(a.Token)
		if !ok || outside.Reports[token.ID] != nil {
			continue
		}
		list := slices.Clone(f.reports[a.Token])
		for _, end := range f.ends[a.Token] {
			list = append(list, reference.Reported(end, x.Dialect == flow.FlowV1,
				outside.Limits.Data))
		}
		outside.Reports[token.ID] = list
	}
	context := reference.Context{Flow: x.Flow, Execution: x.Name, Account: x.Account,
		Region: x.Region, RoleArn: x.RoleArn, Started: x.Started}
	if x.MapNode > 0 {
		context.Map, context.Deadline = r.m.Nodes[x.MapNode-1].Name, x.Deadline
	}
	return reference.Judge(w.flows.texts[x.Hash], string(facts.Input.Text()), context, events,
		outside)
}

// stopsOf lists the stops that an execution may have got: from a client, because its flow was
// deleted, or because no task waits for it any more.
func (w *World) stopsOf(r *run) []reference.Stop {
	x := r.x
	list := slices.Clone(w.referee.stops[x.Flow+"/"+x.Name])
	if o := w.clients.flowOwner; o != nil && o.name == x.Flow || x.Flow == contended ||
		x.Flow == versioned || x.Flow == timedFlow {
		list = append(list, stopOf("the flow has been deleted"))
	}
	if by, attempt := w.waits(r); by != nil {
		v, err := w.askReference(by, apiEvents(by), true)
		if err != nil || slices.Contains(v.Abandoned, attempt) || by.x.Status.Final() {
			list = append(list, stopOf("the execution that waited for it has ended"))
		}
	}
	return list
}

func stopOf(cause string) reference.Stop {
	return reference.Stop{Failure: reference.Failure{Name: flow.ErrExecutionStopped, Cause: cause}}
}

// waits returns the execution whose task started another one, and that attempt.
func (w *World) waits(r *run) (*run, int64) {
	key, ok := strings.CutPrefix(r.x.Origin, "task#")
	if !ok || r.x.Status != flow.Stopped && r.x.Redrive == 0 {
		return nil, 0
	}
	var run, attempt uint64
	if n, _ := fmt.Sscanf(key, "%16x%16x", &run, &attempt); n != 2 {
		return nil, 0
	}
	return w.allRuns[run], int64(attempt)
}
