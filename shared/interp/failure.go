package interp

import "millrace/shared/flow"

// fail sets the error of an entry. resolveFailure handles it in the next transition.
func (f *stepper) fail(e *entry, err flow.Error) {
	e.failure = truncateError(&err)
	e.phase = failing
	e.attempt = nil
	f.s.ready = true
	if e.mapRun != nil {
		f.closeMapRun(e, MapRunFailed)
	}
}

// resolveFailure handles the error of an entry: by Retry, then by Catch, then by failing its scope.
func (f *stepper) resolveFailure(e *entry) error {
	st := f.state(e)
	if rule := f.retryRule(e, st); rule >= 0 {
		f.retry(e, st, rule)
		return nil
	}
	catch := f.catchRule(e, st)
	var next *flow.Value
	if catch != nil {
		var err error
		if next, err = f.d.data.caught(f, e, st, catch); err != nil {
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
	last := f.emit(flow.HistoryEvent{Type: f.failedEventType(e), Schedule: e.last, Node: e.node,
		Error: e.failure})
	if catch == nil {
		f.propagate(e, last)
		return nil
	}
	f.exit(e, last, next, catch.Next)
	return nil
}

// failedEvents returns the number of events that the failure of an entry writes, including those of
// the states that are aborted with it.
func (f *stepper) failedEvents(e *entry, catch *flow.Catch) int {
	n := 1
	switch owner := e.scope.owner; {
	case catch != nil:
		return f.d.events.leaving()
	case owner != nil && f.d.events.aborted != 0:
		for _, child := range owner.running {
			if child != e.scope {
				child.each(func(o *entry) {
					if o.mapRunOf() == nil {
						n++
					}
				})
			}
		}
	}
	return n
}

func (f *stepper) failedEventType(e *entry) flow.EventType {
	if e.timeout {
		return f.d.events.timedOut
	}
	return f.d.events.failed
}

// catchRule returns the first matching rule, or nil.
func (f *stepper) catchRule(e *entry, st *flow.State) *flow.Catch {
	for i := range st.Catch {
		if f.matches(st.Catch[i].Errors, e.failure.Name) {
			return &st.Catch[i]
		}
	}
	return nil
}

// catchEnv returns the environment of an expression of a Catch rule.
func (f *stepper) catchEnv(e *entry, site string) *env {
	v := f.env(e, site)
	v.err = e.failure
	if v.input == nil {
		v.input = e.scope.input
	}
	return v
}

// propagate fails the scope of an entry with the entry's error.
func (f *stepper) propagate(e *entry, last int64) {
	err := *e.failure
	sc := e.scope
	sc.abandon(e)
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
	owner.keepScopes()
	owner.items, owner.last = nil, last
	f.fail(owner, err)
}

// abort closes all open entries of a scope, the innermost first.
func (f *stepper) abort(sc *scope, cause string) {
	e := sc.cur
	if e == nil {
		return
	}
	if e.mapRun != nil {
		f.closeMapRun(e, MapRunAborted)
	}
	for _, child := range e.running {
		f.abort(child, cause)
	}
	f.cancelAttempt(e)
	if typ := f.d.events.aborted; typ != 0 {
		f.emit(flow.HistoryEvent{Type: typ, Schedule: e.last, Node: e.node,
			Error: &flow.Error{Name: "FnF.StateAborted", Cause: truncateCause(cause)}})
	}
	sc.abandon(e)
}

// cancelAttempt drops the open attempt of an entry and stops the child execution that it waits for.
func (f *stepper) cancelAttempt(e *entry) {
	if e.attempt != nil {
		f.enqueueStopChild(e.attempt)
	}
	e.attempt = nil
}

// enqueueStopChild adds an outbox entry that stops the attempt's child execution.
func (f *stepper) enqueueStopChild(a *attempt) {
	if a.child != "" {
		f.s.Outbox = append(f.s.Outbox, OutboxEntry{Kind: OutboxStopChild, ID: a.id,
			Flow: a.childFlow, Name: a.child, Since: f.now})
	}
}

// failExecution fails the execution at once. No Catch applies.
func (f *stepper) failExecution(name, cause string) {
	f.end(flow.Failed, &flow.Error{Name: name, Cause: truncateCause(cause)})
}

// end closes the execution. Unless it has succeeded it keeps its root scope, which holds the states
// that were open and their inputs, so that the execution can be redriven from there
// (docs/protocol.md#redrive).
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
	if status == flow.Succeeded {
		s.root = nil
	}
	f.enqueueCallback()
}

// enqueueCallback adds the report to the parent's task to the outbox
// (docs/protocol.md#children-and-callbacks). It uses the error names of StateMachine; who relays
// the entry translates that of a time-out (ChildTimedOut).
func (f *stepper) enqueueCallback() {
	s := f.s
	if s.CallbackToken == "" {
		return
	}
	out := OutboxEntry{Kind: OutboxCallback, Token: s.CallbackToken, Output: s.Output}
	if s.Redrives > 0 {
		out.ID = s.LastEvent // no delivery of an earlier end must be taken for that of this one
	}
	switch s.Status {
	case flow.Failed:
		out.Error = withName(s.Error, flow.ErrExecutionFailed)
	case flow.Stopped:
		out.Error = withName(s.Error, flow.ErrExecutionStopped)
	case flow.TimedOut:
		out.Error = &flow.Error{Name: flow.ErrExecutionTimedOut,
			Cause: "the execution " + s.Name + " of flow " + s.Flow + " timed out"}
	}
	s.Outbox = append(s.Outbox, out)
}

// withName returns the error, with the given name if it has none.
func withName(err *flow.Error, name string) *flow.Error {
	if err == nil {
		return &flow.Error{Name: name}
	}
	if err.Name == "" {
		return &flow.Error{Name: name, Cause: err.Cause}
	}
	return err
}
