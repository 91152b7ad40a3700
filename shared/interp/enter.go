package interp

import (
	"millrace/shared/flow"
	"millrace/shared/value"
)

// open makes the flow's own scope.
func (f *fold) open() error {
	input := f.s.Input
	if !input.Loaded() {
		return missing(input)
	}
	if f.m.Input != nil {
		f.refill()
		tree, err := f.build(f.m.Input, &env{fold: f, site: "flow.input", input: input})
		if err != nil {
			return err
		}
		if input, err = f.sized(tree, "the input of the flow"); err != nil {
			return err
		}
	}
	f.s.root = &scope{input: input, last: 1, at: f.m.Root.Start}
	if f.m.Language == flow.Steps {
		f.s.root.local = flow.Empty()
	}
	return nil
}

// enter opens the scope's next state.
func (f *fold) enter(sc *scope) error {
	if err := f.room(1); err != nil {
		return err
	}
	st := f.spec(sc).States[sc.at]
	sc.entries++
	e := &entry{scope: sc, node: st.Node, count: sc.entries, phase: entered}
	ev := flow.HistoryEvent{Type: flow.StateEntered, Schedule: sc.last, Node: st.Node, Input: sc.input}
	if f.m.Language == flow.Steps {
		ev.Type, ev.Local = flow.StepEntered, sc.local
	}
	e.id = f.emit(ev)
	e.last = e.id
	sc.cur = e
	return nil
}

// start builds the state's input.
func (f *fold) start(e *entry) error {
	input, err := f.input(e)
	if err != nil {
		e.noRetry(err)
		return err
	}
	if input.Len() > f.l.Data(f.m.Language) {
		return f.tooLarge("the input of state "+value.Quote(f.state(e).Name), f.l.Data(f.m.Language))
	}
	if err := f.room(1); err != nil {
		return err
	}
	e.input = input
	typ := flow.StateStarted
	if f.m.Language == flow.Steps {
		typ = flow.StepStarted
	}
	e.begun = f.emit(flow.HistoryEvent{Type: typ, Schedule: e.id, Node: e.node, Input: input})
	e.last = e.begun
	e.phase = beginning
	return nil
}

// noRetry marks an error of the entry that would repeat itself.
func (e *entry) noRetry(err error) {
	if _, need := err.(needError); !need {
		e.final = true
	}
}
