package interp

import (
	"errors"
	"fmt"

	"millrace/shared/expr"
	"millrace/shared/flow"
)

// StepInput is the input of Step: the time, messages, and whether the caller leases calls.
type StepInput struct {
	At       int64 // ms since 1970
	Messages []Message
	Lease    *LeaseOptions
	// EventsMax and WorkMax bound one step: after that many events, or that much work, it returns
	// with Effects.More. 0 means no bound. A bounded step makes at least one transition. Where
	// steps are cut does not change what they write.
	EventsMax int
	WorkMax   int // in expression steps; work outside expressions counts too (budget.go)
}

// LeaseOptions says how the caller leases ready attempts.
type LeaseOptions struct {
	Max   int    // maximum number of leases
	Owner uint64 // the process that runs the calls
	// DurationMax bounds a lease, ms. With 0 the lease lasts until the task's deadline, or the
	// execution's.
	DurationMax int64
}

// Effects is the result of Step.
type Effects struct {
	Events []flow.HistoryEvent // to commit together with the state
	// Calls are leased attempts, to call after the commit. It is empty if Need or More is set.
	Calls   []Call
	Need    []*flow.Value // values to load; then call Step again without the messages
	More    bool          // a bound ended the step; call Step again after the commit
	Replies []Reply       // one for each message, in the same order
	// Work is the work done, in the unit of StepInput.WorkMax. It does not depend on what was
	// loaded.
	Work    int
	Changed bool // the state has changed
}

// Step applies messages to an execution, fires the timers that are due, advances the execution
// until nothing can advance, and finally leases attempts. It changes s. If m is nil, Step only
// applies messages and fires timers, for which it needs no definition. The same input leads to the
// same output: what is written depends neither on which values of s are loaded, nor on whether s
// was stored and decoded in between, nor on the bounds.
func Step(m *flow.Machine, l *flow.Limits, s *State, ev StepInput) Effects {
	f := &stepper{m: m, l: l, s: s, d: dialectOf(s.Dialect), now: max(ev.At, s.LastTime),
		clock: ev.At, eventsMax: ev.EventsMax, workMax: ev.WorkMax}
	if s.LastEvent == 0 {
		f.begin()
	}
	for i := range ev.Messages {
		f.out.Replies = append(f.out.Replies, f.handle(&ev.Messages[i]))
	}
	if !s.Final() {
		f.fireTimers()
	}
	if m != nil && !s.Final() {
		f.advance()
	}
	if ev.Lease != nil && m != nil && !s.Final() && !f.out.More && len(f.out.Need) == 0 {
		f.leaseReady(ev.Lease)
	}
	if len(f.out.Events) > 0 {
		f.out.Changed = true
	}
	f.out.Work = f.workDone
	return f.out
}

// stepper holds the data of one call of Step.
type stepper struct {
	m         *flow.Machine
	l         *flow.Limits
	s         *State
	d         *dialect
	now       int64 // time of the events, ms since 1970; never before the last event
	clock     int64 // the caller's time, ms since 1970; timers use it
	eventsMax int
	workMax   int
	workDone  int
	budget    expr.Budget // of the evaluations in the current transition
	mark      uint64      // of the current message; stored in the events it causes
	out       Effects
}

// emit appends an event and returns its id.
func (f *stepper) emit(e flow.HistoryEvent) int64 {
	f.s.LastEvent++
	e.ID, e.Time = f.s.LastEvent, f.now
	e.Mark = f.mark
	f.s.LastTime = f.now
	if f.out.Events == nil {
		f.out.Events = make([]flow.HistoryEvent, 0, 8)
	}
	f.out.Events = append(f.out.Events, e)
	return e.ID
}

// begin writes the first event. The root scope opens later, in advance, which has the machine.
func (f *stepper) begin() {
	f.emit(flow.HistoryEvent{Type: flow.ExecutionStarted, Node: -1, Input: f.s.Input})
}

// advance runs every scope that can advance.
func (f *stepper) advance() {
	if f.s.root == nil {
		if err := f.open(); err != nil {
			f.handleError(nil, err)
			return
		}
		f.out.Changed = true
	}
	if f.run(f.s.root) {
		f.s.ready = false
	} else if f.out.More {
		f.s.ready = true // also for a state that has only begun
	}
}

// run advances a scope as far as it can go. It first runs the inner scopes, in the order in which
// they were opened, so the order of events depends only on the open scopes. run returns false if
// the step must end: the execution has ended, a bound is reached, or a value is not loaded.
func (f *stepper) run(sc *scope) bool {
	for {
		if !f.runInside(sc.cur) {
			return false
		}
		if !f.canAdvance(sc) {
			return true
		}
		if f.eventsMax > 0 && len(f.out.Events) >= f.eventsMax ||
			f.workMax > 0 && f.workDone >= f.workMax {
			f.out.More = true
			return false
		}
		if err := f.meteredTransition(sc); err != nil && f.handleError(sc, err) {
			return false
		}
		f.out.Changed = true
		if f.s.Final() {
			return false
		}
	}
}

// runInside runs the inner scopes of an entry. A scope that ends leaves the entry's list; a scope
// that fails empties the list.
func (f *stepper) runInside(e *entry) bool {
	if e == nil {
		return true
	}
	for i := 0; i < len(e.running); {
		child := e.running[i]
		if !f.run(child) {
			return false
		}
		if i < len(e.running) && e.running[i] == child {
			i++
		}
	}
	return true
}

// eventLimitError fails an execution that has reached its maximum number of events. No Catch
// applies.
func (f *stepper) eventLimitError() fatalError {
	return fatalError{flow.Error{Name: flow.ErrEventLimit, Cause: fmt.Sprintf("an execution may "+
		"have %d history events; the setting Limits.Events raises that", f.l.Events)}}
}

// checkEventLimit returns eventLimitError unless n more events may be written. Code that writes a
// group of events calls it with the size of the group before it changes anything, so that no group
// is cut and none exceeds the limit. The events that close an execution are exempt: those of
// aborted states, and the last one.
func (f *stepper) checkEventLimit(n int) error {
	if f.s.LastEvent+int64(n) > int64(f.l.Events) {
		return f.eventLimitError()
	}
	return nil
}

// endAtEventLimit ends the execution if n more events would exceed the limit, and reports whether
// it did.
func (f *stepper) endAtEventLimit(n int) bool {
	if f.checkEventLimit(n) == nil {
		return false
	}
	err := f.eventLimitError().err
	f.failExecution(err.Name, err.Cause)
	return true
}

// canAdvance reports whether a transition of the scope is possible now.
func (f *stepper) canAdvance(sc *scope) bool {
	e := sc.cur
	switch {
	case sc.ended:
		return false
	case e == nil:
		return true
	case e.phase == spawning:
		return f.canSpawn(e)
	}
	return e.phase == entered || e.phase == beginning || e.phase == finishing || e.phase == failing
}

// handleError handles the error of a transition. It reports whether the step must end because a
// value is not loaded.
func (f *stepper) handleError(sc *scope, err error) bool {
	var need needError
	var fatal fatalError
	switch {
	case errors.As(err, &need):
		f.need(sc, need.values)
		return true
	case errors.As(err, &fatal):
		f.failExecution(fatal.err.Name, fatal.err.Cause)
	case sc == nil || sc.cur == nil:
		f.end(flow.Failed, f.asError(err))
	default:
		f.fail(sc.cur, *f.asError(err))
	}
	return false
}

// need asks for the missing values. For a single value it also asks for the same value of all
// entries in the same state and phase, so that the caller loads them together.
func (f *stepper) need(sc *scope, values []*flow.Value) {
	f.out.Need = append(f.out.Need, values...)
	if sc == nil || sc.cur == nil || len(values) > 1 {
		return
	}
	which := -1
	for i, v := range sc.values() {
		if v == values[0] {
			which = i
		}
	}
	if which < 0 {
		return
	}
	f.s.each(func(e *entry) {
		if e == sc.cur || e.node != sc.cur.node || e.phase != sc.cur.phase {
			return
		}
		if v := e.scope.values()[which]; v != nil && v != values[0] && !v.Loaded() {
			f.out.Need = append(f.out.Need, v)
		}
	})
}

// values returns the values that the next transition of a scope with an open entry may need.
func (sc *scope) values() [4]*flow.Value {
	return [...]*flow.Value{sc.input, sc.local, sc.cur.input, sc.cur.result}
}

// transition makes one transition of a scope. It either changes the state or returns an error,
// never both.
func (f *stepper) transition(sc *scope) error {
	e := sc.cur
	if e == nil {
		if sc.target == flow.End {
			return f.finish(sc)
		}
		return f.enter(sc)
	}
	switch e.phase {
	case entered:
		return f.start(e)
	case beginning:
		return f.runState(e)
	case spawning:
		return f.spawn(e)
	case finishing:
		return f.leave(e)
	}
	return f.resolveFailure(e)
}

// state returns the state of the machine that an entry visits.
func (f *stepper) state(e *entry) *flow.State { return f.m.Nodes[e.node] }

// spec returns the list of states that a scope runs.
func (f *stepper) spec(sc *scope) *flow.Scope {
	if sc.owner == nil {
		return f.m.Root
	}
	st := f.state(sc.owner)
	switch st.Kind {
	case flow.Choice:
		return option(st, sc.index).Scope
	case flow.Parallel:
		return st.Parallel[sc.index]
	}
	return st.Map.Processor
}

func option(st *flow.State, i int) *flow.Option {
	if i < len(st.Choice.Options) {
		return &st.Choice.Options[i]
	}
	return &st.Choice.Default
}

// treeOf returns the tree of a value, or a needError if the value is not loaded.
func treeOf(v *flow.Value) (any, error) {
	if !v.Loaded() {
		return nil, needValue(v)
	}
	return v.Tree(), nil
}
