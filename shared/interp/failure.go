package interp

import (
	"math"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// fail gives an entry its error; what becomes of it is decided in failed.
func (f *fold) fail(e *entry, err flow.Error) {
	e.failure = bounded(&err)
	e.phase = failing
	e.attempt = nil
	f.s.ready = true
}

// failed deals with the error of an entry: Retry first, then Catch, then the scope above.
func (f *fold) failed(e *entry) error {
	st := f.state(e)
	if rule := f.retryRule(e, st); rule >= 0 {
		f.retry(e, &st.Retry[rule], rule)
		return nil
	}
	catch := f.catchRule(e, st)
	var next *flow.Value
	if catch != nil {
		var err error
		if next, err = f.caught(e, st, catch); err != nil {
			state, ok := err.(stateError)
			if !ok {
				return err
			}
			e.failure, e.timeout, catch = bounded(&state.err), false, nil
		}
	}
	if err := f.room(f.failedEvents(e, catch)); err != nil {
		return err
	}
	last := f.emit(flow.HistoryEvent{Type: f.failedType(e), Schedule: e.last, Node: e.node, Error: e.failure})
	if catch == nil {
		f.propagate(e, last)
		return nil
	}
	sc := e.scope
	sc.last = last
	if f.m.Language == flow.Steps {
		sc.local = next
		sc.last = f.emit(flow.HistoryEvent{Type: flow.StepExited, Schedule: last, Node: e.node, Local: next})
	} else {
		sc.input = next
	}
	f.goOn(e, catch.Next)
	return nil
}

// failedEvents is how many events tell that an entry has failed: of the entry, and of what is
// aborted with it.
func (f *fold) failedEvents(e *entry, catch *flow.Catch) int {
	n := 1
	switch owner := e.scope.owner; {
	case catch != nil && f.m.Language == flow.Steps:
		n++
	case catch == nil && owner != nil && f.m.Language == flow.States:
		for _, child := range owner.running {
			if child != e.scope {
				child.each(func(*entry) { n++ })
			}
		}
	}
	return n
}

func (f *fold) failedType(e *entry) flow.EventType {
	switch {
	case f.m.Language == flow.Steps:
		return flow.StepFailed
	case e.timeout:
		return flow.StateTimedOut
	}
	return flow.StateFailed
}

// retryRule is the first rule that matches, if it has tries left; -1 otherwise.
func (f *fold) retryRule(e *entry, st *flow.State) int {
	if e.final {
		return -1
	}
	for i := range st.Retry {
		if f.matches(st.Retry[i].Errors, e.failure.Name) {
			if e.used == nil {
				e.used = make([]int, len(st.Retry))
			}
			if e.used[i] < st.Retry[i].AttemptsMax {
				return i
			}
			return -1
		}
	}
	return -1
}

// retry sets the timer of the next try.
func (f *fold) retry(e *entry, r *flow.Retry, rule int) {
	e.used[rule]++
	e.retries++
	delay := RetryDelay(r, e.used[rule])
	e.failure, e.timeout, e.result = nil, false, nil
	e.done, e.items, e.list, e.blocks, e.running, e.total, e.cursor, e.missing = nil, nil, nil, nil, nil, 0, 0, 0
	if delay == 0 {
		e.phase = beginning
		return
	}
	e.due, e.phase = f.clock+delay, paused
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
func (f *fold) catchRule(e *entry, st *flow.State) *flow.Catch {
	for i := range st.Catch {
		if f.matches(st.Catch[i].Errors, e.failure.Name) {
			return &st.Catch[i]
		}
	}
	return nil
}

// matches compares an error's name with a rule's list. The older language is lenient where public flows need it
// (fdl-flow.md 5.1, 6.4).
func (f *fold) matches(names []string, name string) bool {
	for _, n := range names {
		if n == flow.ErrorAll || n == name {
			return true
		}
		if f.m.Language == flow.Steps {
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

// caught builds what the target of a Catch starts with: its input, or in the older language the local data.
func (f *fold) caught(e *entry, st *flow.State, c *flow.Catch) (*flow.Value, error) {
	v := f.env(e, "Catch.OutputConstructor")
	v.err = e.failure
	if v.input == nil {
		v.input = e.scope.input
	}
	if f.m.Language == flow.States {
		if c.Output == nil {
			return flow.NewValue(map[string]any{"Code": e.failure.Name, "Detail": e.failure.Cause}), nil
		}
		tree, err := f.build(c.Output, v)
		if err != nil {
			return nil, err
		}
		return f.sized(tree, "the input of the Catch target")
	}
	if st.Task == nil || st.Task.ErrorOutput == nil {
		return e.scope.local, nil
	}
	v.site = "errorMappings"
	tree, err := f.build(st.Task.ErrorOutput, v)
	if err != nil {
		return nil, err
	}
	out, err := f.sized(tree, "what errorMappings build")
	if err != nil {
		return nil, err
	}
	local, err := f.merged(e.scope.local, out)
	if err == nil && local.Len() > f.l.Data(flow.Steps) {
		err = f.tooLarge("the local data after step "+value.Quote(st.Name), f.l.Data(flow.Steps))
	}
	return local, err
}

// propagate fails the scope of an entry with its error.
func (f *fold) propagate(e *entry, last int64) {
	err := *e.failure
	e.phase = closed
	sc := e.scope
	sc.cur, sc.over = nil, true
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
	owner.running, owner.done, owner.items, owner.blocks = nil, nil, nil, nil
	owner.last = last
	f.fail(owner, err)
}

// abort closes everything that is open in a scope, the innermost first.
func (f *fold) abort(sc *scope, cause string) {
	e := sc.cur
	if e == nil {
		return
	}
	for _, child := range e.running {
		f.abort(child, cause)
	}
	f.release(e)
	if f.s.Language == flow.States {
		f.emit(flow.HistoryEvent{Type: flow.StateAborted, Schedule: e.last, Node: e.node,
			Error: &flow.Error{Name: "FnF.StateAborted", Cause: cut(cause)}})
	}
	e.phase = closed
	sc.cur, sc.over = nil, true
}

// release lets an open attempt go: a child execution that is waited for is to be stopped.
func (f *fold) release(e *entry) {
	if e.attempt != nil {
		f.stopChild(e.attempt)
	}
	e.attempt = nil
}

// stopChild puts the stop of an attempt's child execution into the outbox.
func (f *fold) stopChild(a *attempt) {
	if a.child != "" {
		f.s.Outbox = append(f.s.Outbox, Outgoing{Kind: StopChild, ID: a.id, Flow: a.childFlow, Name: a.child})
	}
}

// fatal fails the execution at once: nothing can catch it.
func (f *fold) fatal(name, cause string) {
	f.end(flow.Failed, &flow.Error{Name: name, Cause: cut(cause)})
}

// end closes the execution. A failed one keeps its outermost scope, which knows the state that failed and what it
// was given, so that it can be taken up again from there (execution.md 1.9).
func (f *fold) end(status flow.Status, err *flow.Error) {
	s, mark := f.s, f.mark
	err = bounded(err)
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
	f.callback()
}

// callback puts the report to the caller's task into the outbox (fdl-flow.md 7.2, fdl-statemachine.md D-35). The
// names are those of the newer language; reported translates for tasks of the older one.
func (f *fold) callback() {
	s := f.s
	if s.Callback == "" {
		return
	}
	out := Outgoing{Kind: Callback, Token: s.Callback, Output: s.Output}
	switch s.Status {
	case flow.Failed:
		out.Error = named(s.Error, flow.ErrExecutionFailed)
	case flow.Stopped:
		out.Error = named(s.Error, flow.ErrExecutionStopped)
	case flow.TimedOut:
		out.Error = &flow.Error{Name: flow.ErrExecutionTimedOut, Cause: "the execution " + s.Name + " of flow " + s.Flow + " timed out"}
	}
	s.Outbox = append(s.Outbox, out)
}

// named is an error that has a name.
func named(err *flow.Error, name string) *flow.Error {
	if err == nil {
		return &flow.Error{Name: name}
	}
	if err.Name == "" {
		return &flow.Error{Name: name, Cause: err.Cause}
	}
	return err
}
