package interp

import (
	"errors"

	"millrace/shared/expr"
	"millrace/shared/flow"
)

// Event is what enters Step: the time, news from outside, and whether this caller takes work.
type Event struct {
	At   int64 // ms since 1970
	News []News
	Take *Take
	// Budget ends the fold early: after Events events it answers More. 0: no bound.
	Events int
}

// Take says how a caller takes ready attempts.
type Take struct {
	Max   int    // at most so many
	Owner uint64 // who calls
	// LeaseMax bounds a lease, ms; 0: until the task's own timeout, or the execution's.
	LeaseMax int64
}

// Effects is what comes out of Step.
type Effects struct {
	Events   []flow.HistoryEvent // to be committed with the state
	Calls    []Call              // attempts taken, to be called after the commit
	Need     []*flow.Value       // values to load before the same fold can go on
	More     bool                // the budget ended the fold; call again after the commit
	Verdicts []Verdict           // one for each piece of news, in its order
	Changed  bool                // anything at all has changed
}

// Step applies an event to an execution: news first, then what is due, then it runs on until nothing goes on. With
// a nil machine it only takes in news, which needs no definition. It changes s. Same input, same output.
func Step(m *flow.Machine, l *flow.Limits, s *State, ev Event) Effects {
	f := &fold{m: m, l: l, s: s, now: max(ev.At, s.LastTime), clock: ev.At, budget: ev.Events}
	if s.LastEvent == 0 {
		f.begin()
	}
	for i := range ev.News {
		f.out.Verdicts = append(f.out.Verdicts, f.news(&ev.News[i]))
	}
	if !s.Final() {
		f.due()
	}
	if m != nil && !s.Final() {
		f.advance()
	}
	if ev.Take != nil && m != nil && !s.Final() {
		f.take(ev.Take)
	}
	if len(f.out.Events) > 0 {
		f.out.Changed = true
	}
	return f.out
}

// fold is one call of Step.
type fold struct {
	m      *flow.Machine
	l      *flow.Limits
	s      *State
	now    int64 // time of the events written
	clock  int64 // the caller's time, for timers
	budget int
	spend  expr.Budget
	mark   uint64
	closed bool // closing events are exempt from the event limit
	out    Effects
}

// needError says that a value must be loaded first.
type needError struct{ v *flow.Value }

func (needError) Error() string { return "interp: a value is not loaded" }

// errFatal says that a limit was hit which fails the execution.
type fatalError struct{ err flow.Error }

func (e fatalError) Error() string { return e.err.Name + ": " + e.err.Cause }

// emit writes an event and returns its id.
func (f *fold) emit(e flow.HistoryEvent) int64 {
	f.s.LastEvent++
	e.ID, e.Time = f.s.LastEvent, f.now
	e.Mark = f.mark
	f.s.LastTime = f.now
	f.out.Events = append(f.out.Events, e)
	return e.ID
}

// begin writes the first event; the flow's own scope opens with the machine at hand.
func (f *fold) begin() {
	f.emit(flow.HistoryEvent{Type: flow.ExecutionStarted, Node: -1, Input: f.s.Input})
}

// advance runs every scope that may go on, depth first.
func (f *fold) advance() {
	if f.s.root == nil {
		if err := f.open(); err != nil {
			f.settle(nil, err)
			return
		}
	}
	var stuck []*Scope
	for len(f.s.ready) > 0 && !f.s.Final() {
		if f.budget > 0 && len(f.out.Events) >= f.budget {
			f.out.More = true
			break
		}
		if f.s.LastEvent >= int64(f.l.Events) {
			f.fatal(flow.ErrEventLimit, "the execution has written its limit of events")
			return
		}
		n := len(f.s.ready) - 1
		sc := f.s.ready[n]
		progress, err := f.transition(sc)
		if err != nil {
			if f.settle(sc, err) {
				stuck = append(stuck, sc)
				f.drop(sc)
			}
			continue
		}
		if !progress {
			f.drop(sc)
		}
	}
	if !f.s.Final() {
		f.s.ready = append(stuck, f.s.ready...)
	}
}

// drop takes the uppermost mention of a scope off the ready list.
func (f *fold) drop(sc *Scope) {
	for i := len(f.s.ready) - 1; i >= 0; i-- {
		if f.s.ready[i] == sc {
			f.s.ready = append(f.s.ready[:i], f.s.ready[i+1:]...)
			return
		}
	}
}

// push marks a scope as one that may go on.
func (f *fold) push(sc *Scope) { f.s.ready = append(f.s.ready, sc) }

// settle deals with an error of a transition. true: the scope waits for a value.
func (f *fold) settle(sc *Scope, err error) bool {
	var need needError
	var fatal fatalError
	switch {
	case errors.As(err, &need):
		f.out.Need = append(f.out.Need, need.v)
		return true
	case errors.As(err, &fatal):
		f.fatal(fatal.err.Name, fatal.err.Cause)
	case sc == nil || sc.cur == nil:
		f.end(flow.Failed, f.asError(nil, err))
	default:
		f.fail(sc.cur, *f.asError(sc.cur, err))
	}
	return false
}

// transition takes one scope one step further; false when it cannot go on now. It either changes the state or
// returns an error, never both, except that fail may be called by settle.
func (f *fold) transition(sc *Scope) (bool, error) {
	e := sc.cur
	if sc.over {
		return false, nil
	}
	if e == nil {
		if sc.at == flow.End {
			return true, f.finish(sc)
		}
		f.enter(sc)
		return true, nil
	}
	switch e.phase {
	case entered:
		return true, f.start(e)
	case beginning:
		return true, f.work(e)
	case spawning:
		return f.spawn(e)
	case finishing:
		return true, f.leave(e)
	case failing:
		return true, f.failed(e)
	}
	return false, nil
}

// state is the node of an entry.
func (f *fold) state(e *Entry) *flow.State { return f.m.Nodes[e.node] }

// scope is the list of states that a scope runs.
func (f *fold) spec(sc *Scope) *flow.Scope {
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

// loaded gives a value's tree, or asks for it.
func loaded(v *flow.Value) (any, error) {
	if !v.Loaded() {
		return nil, needError{v}
	}
	return v.Tree(), nil
}
