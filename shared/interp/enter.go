package interp

import (
	"millrace/shared/flow"
	"millrace/shared/value"
)

// open opens the root scope.
func (f *stepper) open() error {
	input := f.s.Input
	if !input.Loaded() {
		return needValue(input)
	}
	if f.m.Input != nil {
		f.resetBudget()
		tree, err := f.build(f.m.Input, &env{stepper: f, site: "flow.input", input: input})
		if err != nil {
			return err
		}
		if input, err = f.valueWithinDataLimit(tree, "the input of the flow"); err != nil {
			return err
		}
	}
	f.s.root = &scope{input: input, last: f.s.LastEvent, target: f.m.Root.Start}
	f.d.data.openScope(f.s.root)
	return nil
}

// enter opens the scope's next state.
func (f *stepper) enter(sc *scope) error {
	if err := f.checkEventLimit(1); err != nil {
		return err
	}
	st := f.spec(sc).States[sc.target]
	e := &entry{scope: sc, node: st.Node, phase: entered}
	if old := sc.left; old != nil && old.node == st.Node {
		e.resumeFrom(old)
	}
	if sc.left = nil; !e.resumed {
		sc.entries++
		e.ordinal = sc.entries
	}
	e.id = f.emit(flow.HistoryEvent{Type: f.d.events.entered, Schedule: sc.last, Node: st.Node,
		Input: sc.input, Local: sc.local})
	e.last = e.id
	sc.cur = e
	return nil
}

// start builds the state's input.
func (f *stepper) start(e *entry) error {
	input := e.input // known after a redrive
	if input == nil {
		var err error
		if input, err = f.input(e); err != nil {
			e.markPermanent(err)
			return err
		}
	}
	if input.Len() > f.dataMax() {
		return f.dataLimitError("the input of state "+value.Quote(f.state(e).Name), f.dataMax())
	}
	if err := f.checkEventLimit(1); err != nil {
		return err
	}
	e.input = input
	e.startID = f.emit(flow.HistoryEvent{Type: f.d.events.started, Schedule: e.id, Node: e.node,
		Input: input})
	e.last = e.startID
	e.phase = beginning
	return nil
}

// markPermanent marks the entry's error as permanent, because a retry would fail in the same way.
func (e *entry) markPermanent(err error) {
	if _, need := err.(needError); !need {
		e.permanent = true
	}
}
