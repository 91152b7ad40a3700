package interp

import (
	"math"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// fail gives an entry its error; what becomes of it is decided in failed.
func (f *stepper) fail(e *entry, err flow.Error) {
	e.failure = truncateError(&err)
	e.phase = failing
	e.attempt = nil
	f.s.ready = true
}

// resolveFailure deals with the error of an entry: Retry first, then Catch, then the scope above.
func (f *stepper) resolveFailure(e *entry) error {
	st := f.state(e)
	if rule := f.retryRule(e, st); rule >= 0 {
		f.retry(e, &st.Retry[rule], rule)
		return nil
	}
	catch := f.catchRule(e, st)
	var next *flow.Value
	if catch != nil {
		var err error
		if next, err = f.catchData(e, st, catch); err != nil {
			state, ok := err.(stateError)
			if !ok {
				return err
			}
			e.failure, e.timeout, catch = truncateError(&state.err), false, nil
		}
	}
	if err := f.checkEventLimit(f.failedEvents(e, catch)); err != nil {
		return err
	}
	last := f.emit(flow.HistoryEvent{Type: f.failedEventType(e), Schedule: e.last, Node: e.node, Error: e.failure})
	if catch == nil {
		f.propagate(e, last)
		return nil
	}
	sc := e.scope
	sc.last = last
	if f.m.Language == flow.FlowV1 {
		sc.local = next
		sc.last = f.emit(flow.HistoryEvent{Type: flow.StepExited, Schedule: last, Node: e.node, Local: next})
	} else {
		sc.input = next
	}
	f.exitTo(e, catch.Next)
	return nil
}

// failedEvents is how many events tell that an entry has failed: of the entry, and of what is
// aborted with it.
func (f *stepper) failedEvents(e *entry, catch *flow.Catch) int {
	n := 1
	switch owner := e.scope.owner; {
	case catch != nil && f.m.Language == flow.FlowV1:
		n++
	case catch == nil && owner != nil && f.m.Language == flow.StateMachine:
		for _, child := range owner.running {
			if child != e.scope {
				child.each(func(*entry) { n++ })
			}
		}
	}
	return n
}

func (f *stepper) failedEventType(e *entry) flow.EventType {
	switch {
	case f.m.Language == flow.FlowV1:
		return flow.StepFailed
	case e.timeout:
		return flow.StateTimedOut
	}
	return flow.StateFailed
}

// retryRule is the first rule that matches, if it has tries left; -1 otherwise.
func (f *stepper) retryRule(e *entry, st *flow.State) int {
	if e.permanent {
		return -1
	}
	for i := range st.Retry {
		if f.matches(st.Retry[i].Errors, e.failure.Name) {
			if e.retriesByRule == nil {
				e.retriesByRule = make([]int, len(st.Retry))
			}
			if e.retriesByRule[i] < st.Retry[i].AttemptsMax {
				return i
			}
			return -1
		}
	}
	return -1
}

// retry sets the timer of the next try.
func (f *stepper) retry(e *entry, r *flow.Retry, rule int) {
	e.retriesByRule[rule]++
	e.retries++
	delay := RetryDelay(r, e.retriesByRule[rule])
	e.failure, e.timeout, e.result = nil, false, nil
	e.results, e.items, e.storedItems, e.blocks, e.running, e.total, e.cursor, e.pending = nil, nil, nil, nil, nil, 0, 0, 0
	if delay == 0 {
		e.phase = beginning
		return
	}
	e.due, e.phase = f.clock+delay, backingOff
}

// RetryDelay is the pause before retry n of a rule, from 1, in whole milliseconds: neither language rounds to
// seconds.
func RetryDelay(r *flow.Retry, n int) int64 {
	delay := float64(r.Interval)
	for i := 1; i < n && delay < float64(r.IntervalMax) && delay > 0; i++ {
		delay *= r.Rate
	}
	return int64(math.Round(min(delay, float64(r.IntervalMax)) * 1000))
}

// catchRule is the first rule that matches; nil without.
func (f *stepper) catchRule(e *entry, st *flow.State) *flow.Catch {
	for i := range st.Catch {
		if f.matches(st.Catch[i].Errors, e.failure.Name) {
			return &st.Catch[i]
		}
	}
	return nil
}

// matches compares an error's name with a rule's list. The older language is lenient where public flows need it
// (fdl-flow.md 5.1, 6.4).
func (f *stepper) matches(names []string, name string) bool {
	for _, n := range names {
		if n == flow.ErrorAll || n == name {
			return true
		}
		if f.m.Language == flow.FlowV1 {
			if code, ok := strings.CutPrefix(n, "FC."); ok && code == name {
				return true
			}
			if (n == "fnf.ExecutionAlreadyExists" || n == "FnF.ExecutionAlreadyExists") &&
				(name == "fnf.ExecutionAlreadyExists" || name == "FnF.ExecutionAlreadyExists") {
				return true
			}
		}
	}
	return false
}

// catchData builds what the target of a Catch starts with: its input, or in the older language the local data.
func (f *stepper) catchData(e *entry, st *flow.State, c *flow.Catch) (*flow.Value, error) {
	v := f.env(e, "Catch.OutputConstructor")
	v.err = e.failure
	if v.input == nil {
		v.input = e.scope.input
	}
	if f.m.Language == flow.StateMachine {
		if c.Output == nil {
			return flow.NewValue(map[string]any{"Code": e.failure.Name, "Detail": e.failure.Cause}), nil
		}
		tree, err := f.build(c.Output, v)
		if err != nil {
			return nil, err
		}
		return f.valueWithinDataLimit(tree, "the input of the Catch target")
	}
	if st.Task == nil || st.Task.ErrorOutput == nil {
		return e.scope.local, nil
	}
	v.site = "errorMappings"
	tree, err := f.build(st.Task.ErrorOutput, v)
	if err != nil {
		return nil, err
	}
	out, err := f.valueWithinDataLimit(tree, "what errorMappings build")
	if err != nil {
		return nil, err
	}
	local, err := f.merged(e.scope.local, out)
	if err == nil && local.Len() > f.l.Data(flow.FlowV1) {
		err = f.dataLimitError("the local data after step "+value.Quote(st.Name), f.l.Data(flow.FlowV1))
	}
	return local, err
}

// propagate fails the scope of an entry with its error.
func (f *stepper) propagate(e *entry, last int64) {
	err := *e.failure
	e.phase = closed
	sc := e.scope
	sc.cur, sc.ended = nil, true
	owner := sc.owner
	if owner == nil {
		sc.last = last
		f.end(flow.Failed, &err)
		return
	}
	for _, child := range owner.running {
		if child != sc {
			f.abort(child, "another branch or iteration failed: "+err.Name)
		}
	}
	owner.running, owner.results, owner.items, owner.blocks = nil, nil, nil, nil
	owner.last = last
	f.fail(owner, err)
}

// abort closes everything that is open in a scope, the innermost first.
func (f *stepper) abort(sc *scope, cause string) {
	e := sc.cur
	if e == nil {
		return
	}
	for _, child := range e.running {
		f.abort(child, cause)
	}
	f.cancelAttempt(e)
	if f.s.Language == flow.StateMachine {
		f.emit(flow.HistoryEvent{Type: flow.StateAborted, Schedule: e.last, Node: e.node,
			Error: &flow.Error{Name: "FnF.StateAborted", Cause: truncateCause(cause)}})
	}
	e.phase = closed
	sc.cur, sc.ended = nil, true
}

// cancelAttempt lets an open attempt go: a child execution that is waited for is to be stopped.
func (f *stepper) cancelAttempt(e *entry) {
	if e.attempt != nil {
		f.enqueueStopChild(e.attempt)
	}
	e.attempt = nil
}

// enqueueStopChild puts the stop of an attempt's child execution into the outbox.
func (f *stepper) enqueueStopChild(a *attempt) {
	if a.child != "" {
		f.s.Outbox = append(f.s.Outbox, OutboxEntry{Kind: OutboxStopChild, ID: a.id, Flow: a.childFlow, Name: a.child})
	}
}

// failExecution fails the execution at once: nothing can catch it.
func (f *stepper) failExecution(name, cause string) {
	f.end(flow.Failed, &flow.Error{Name: name, Cause: truncateCause(cause)})
}

// end closes the execution. A failed one keeps its outermost scope, which knows the state that failed and what it
// was given, so that it can be taken up again from there (execution.md 1.9).
func (f *stepper) end(status flow.Status, err *flow.Error) {
	s, mark := f.s, f.mark
	err = truncateError(err)
	f.mark = 0
	last := s.LastEvent
	if s.root != nil {
		if s.root.cur != nil {
			f.abort(s.root, "the execution has ended")
			last = s.LastEvent
		} else {
			last = s.root.last
		}
	}
	f.mark = mark
	ev := flow.HistoryEvent{Node: -1, Schedule: last, Error: err}
	switch status {
	case flow.Succeeded:
		ev.Type, ev.Output = flow.ExecutionSucceeded, s.Output
	case flow.Failed:
		ev.Type = flow.ExecutionFailed
	case flow.Stopped:
		ev.Type = flow.ExecutionStopped
	case flow.TimedOut:
		ev.Type = flow.ExecutionTimedOut
	}
	f.emit(ev)
	s.Status, s.Error, s.Stopped, s.ready = status, err, f.now, false
	if status != flow.Failed {
		s.root = nil
	}
	f.enqueueCallback()
}

// enqueueCallback puts the report to the caller's task into the outbox (fdl-flow.md 7.2, fdl-statemachine.md D-35). The
// names are those of the newer language; reported translates for tasks of the older one.
func (f *stepper) enqueueCallback() {
	s := f.s
	if s.CallbackToken == "" {
		return
	}
	out := OutboxEntry{Kind: OutboxCallback, Token: s.CallbackToken, Output: s.Output}
	switch s.Status {
	case flow.Failed:
		out.Error = withName(s.Error, flow.ErrExecutionFailed)
	case flow.Stopped:
		out.Error = withName(s.Error, flow.ErrExecutionStopped)
	case flow.TimedOut:
		out.Error = &flow.Error{Name: flow.ErrExecutionTimedOut, Cause: "the execution " + s.Name + " of flow " + s.Flow + " timed out"}
	}
	s.Outbox = append(s.Outbox, out)
}

// withName is an error that has a name.
func withName(err *flow.Error, name string) *flow.Error {
	if err == nil {
		return &flow.Error{Name: name}
	}
	if err.Name == "" {
		return &flow.Error{Name: name, Cause: err.Cause}
	}
	return err
}
