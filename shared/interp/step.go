package interp

import (
	"errors"

	"millrace/shared/expr"
	"millrace/shared/flow"
)

// StepInput is what enters Step: the time, news from outside, and whether this caller takes work.
type StepInput struct {
	At       int64 // ms since 1970
	Messages []Message
	Lease    *LeaseOptions
	// EventsMax and Work end the fold early: after so many events, or so much work, it answers More.
	// 0: no bound. Where a fold is cut does not show in what it writes. It goes at least one
	// transition further.
	EventsMax int
	WorkMax   int // in steps of expressions; what is done beside them counts as well
}

// LeaseOptions says how a caller takes ready attempts.
type LeaseOptions struct {
	Max   int    // at most so many
	Owner uint64 // who calls
	// DurationMax bounds a lease, ms; 0: until the task's own timeout, or the execution's.
	DurationMax int64
}

// Effects is what comes out of Step.
type Effects struct {
	Events  []flow.HistoryEvent // to be committed with the state
	Calls   []Call              // attempts taken, to be called after the commit; none while Need or More is set
	Need    []*flow.Value       // values to load before the same fold can go on: call again, without the news
	More    bool                // the budget ended the fold; call again after the commit
	Replies []Reply             // one for each piece of news, in its order
	Work    int                 // done, as Event.Work counts it; the same whatever had to be loaded
	Changed bool                // anything at all has changed
}

// Step applies an event to an execution: news first, then what is due, then it runs on until nothing goes on, and at
// last takes attempts. With a nil machine it only takes in news and what is due, which needs no definition. It
// changes s. Same input, same output: neither what is loaded of s, nor whether s has been stored and read again in
// between, nor a budget changes what is written.
func Step(m *flow.Machine, l *flow.Limits, s *State, ev StepInput) Effects {
	f := &stepper{m: m, l: l, s: s, now: max(ev.At, s.LastTime), clock: ev.At, eventsMax: ev.EventsMax, workMax: ev.WorkMax}
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

// stepper is one call of Step.
type stepper struct {
	m         *flow.Machine
	l         *flow.Limits
	s         *State
	now       int64 // time of the events written
	clock     int64 // the caller's time, for timers
	eventsMax int
	workMax   int
	workDone  int         // work done so far
	budget    expr.Budget // of the evaluations of the transition under way
	mark      uint64      // of the news that is folded: its events carry it
	out       Effects
}

// emit writes an event and returns its id.
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

// begin writes the first event; the flow's own scope opens with the machine at hand.
func (f *stepper) begin() {
	f.emit(flow.HistoryEvent{Type: flow.ExecutionStarted, Node: -1, Input: f.s.Input})
}

// advance runs every scope that may go on.
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
		f.s.ready = true // also of a state that has only just begun
	}
}

// run takes a scope as far as it goes, the scopes inside it first, in the order in which they were opened. So the
// order of what happens follows from the open scopes alone. false: the fold ends here, be it that the execution has
// ended, the budget is spent or a value is missing.
func (f *stepper) run(sc *scope) bool {
	for {
		if !f.runInside(sc.cur) {
			return false
		}
		if !f.canAdvance(sc) {
			return true
		}
		if f.eventsMax > 0 && len(f.out.Events) >= f.eventsMax || f.workMax > 0 && f.workDone >= f.workMax {
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

// runInside runs the scopes inside an entry. One that ends leaves the entry's list; one that fails empties it.
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

// errEventLimit fails an execution that has as many events as it may have. Nothing can catch it.
var errEventLimit = fatalError{flow.Error{Name: flow.ErrEventLimit,
	Cause: "the execution has written its limit of events"}}

// checkEventLimit returns errEventLimit unless n more events may be written. What writes events asks for room
// for all that belong together, before it changes anything, so that none is beyond the limit and no
// group is cut. The events that close an execution are exempt: what is aborted, and the last one.
func (f *stepper) checkEventLimit(n int) error {
	if f.s.LastEvent+int64(n) > int64(f.l.Events) {
		return errEventLimit
	}
	return nil
}

// endAtEventLimit ends the execution unless n more events may be written, and reports whether it did.
func (f *stepper) endAtEventLimit(n int) bool {
	if f.checkEventLimit(n) == nil {
		return false
	}
	f.failExecution(errEventLimit.err.Name, errEventLimit.err.Cause)
	return true
}

// canAdvance tells whether a transition of the scope can be made now.
func (f *stepper) canAdvance(sc *scope) bool {
	e := sc.cur
	switch {
	case sc.ended:
		return false
	case e == nil:
		return true
	case e.phase == spawning:
		return e.pending == 0 || e.cursor < e.total && len(e.running) < f.concurrency(f.state(e))
	}
	return e.phase == entered || e.phase == beginning || e.phase == finishing || e.phase == failing
}

// handleError deals with an error of a transition. true: the fold ends, since a value is missing.
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

// need asks for values, and for what scopes at the same place are going to ask for, so that it is loaded at once.
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

// values are those that the next transition of a scope with an open entry may ask for.
func (sc *scope) values() [4]*flow.Value {
	return [...]*flow.Value{sc.input, sc.local, sc.cur.input, sc.cur.result}
}

// transition takes a scope that may go on one step further. It either changes the state or returns an error, never
// both.
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

// state is the node of an entry.
func (f *stepper) state(e *entry) *flow.State { return f.m.Nodes[e.node] }

// spec is the list of states that a scope runs.
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

// treeOf gives a value's tree, or asks for it.
func treeOf(v *flow.Value) (any, error) {
	if !v.Loaded() {
		return nil, needValue(v)
	}
	return v.Tree(), nil
}
