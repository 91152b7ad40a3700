package interp

import (
	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// input builds the input of a state (docs/statemachine.md#data-flow, docs/flowv1.md#data).
func (f *stepper) input(e *entry) (*flow.Value, error) {
	st := f.state(e)
	if st.Input == nil {
		return f.d.data.defaultInput(f, e.scope)
	}
	v := f.env(e, "InputConstructor")
	v.input, v.local = e.scope.input, e.scope.local
	tree, err := f.build(st.Input, v)
	if err != nil {
		return nil, err
	}
	return f.valueWithinDataLimit(tree, "the input of state "+value.Quote(st.Name))
}

// leave builds the state's output and exits to the next state.
func (f *stepper) leave(e *entry) error {
	f.countBytes(e.result.Len())
	st := f.state(e)
	left, err := f.d.data.leave(f, e, st)
	if err != nil {
		return err
	}
	if err := f.checkEventLimit(f.d.events.leaving()); err != nil {
		return err
	}
	for k, v := range left.globals {
		if f.s.Globals == nil {
			f.s.Globals = map[string]*flow.Value{}
		}
		f.s.Globals[k] = v
	}
	last := f.emit(flow.HistoryEvent{Type: f.d.events.succeeded, Schedule: e.last, Node: e.node,
		Output: left.output})
	f.exit(e, last, left.data, f.target(e, st))
	return nil
}

// exit closes the entry after its last event and goes on to the target with the data.
func (f *stepper) exit(e *entry, last int64, data *flow.Value, target int) {
	sc := e.scope
	f.d.data.goOn(sc, data)
	if typ := f.d.events.exited; typ != 0 {
		last = f.emit(flow.HistoryEvent{Type: typ, Schedule: last, Node: e.node, Local: data})
	}
	sc.last = last
	e.phase = closed
	sc.cur, sc.target = nil, target
}

// target returns the state that follows a finished state.
func (f *stepper) target(e *entry, st *flow.State) int {
	if st.Kind == flow.Choice {
		if next := option(st, e.option).Next; next != flow.StateNext {
			return next
		}
	}
	return st.Next
}

// succeed ends the execution with status Succeeded.
func (f *stepper) succeed(sc *scope) error {
	out, err := f.d.data.executionOutput(f, sc)
	if err != nil {
		return err
	}
	if out.Len() > f.dataMax() {
		return f.dataLimitError("the output of the execution", f.dataMax())
	}
	f.s.Output = out
	f.end(flow.Succeeded, nil)
	return nil
}

// objectOutput returns the output of an execution in a dialect in which it must be an object,
// unless a MapRun is to take it.
func (f *stepper) objectOutput(out *flow.Value) (*flow.Value, error) {
	if !out.Loaded() {
		return nil, needValue(out)
	}
	if !out.IsObject() && !f.s.Child {
		return nil, stateError{flow.Error{Name: flow.ErrExpression,
			Cause: truncateCause("the output of the execution must be a JSON object, got " +
				value.Quote(string(out.Text())))}}
	}
	return out, nil
}

// dataMax returns the data limit of a state, in bytes.
func (f *stepper) dataMax() int { return f.l.Data(f.s.Dialect) }

// valueWithinDataLimit returns the tree as a value, or an error if it exceeds the data limit of a
// state.
func (f *stepper) valueWithinDataLimit(tree any, what string) (*flow.Value, error) {
	return f.valueWithin(tree, f.dataMax(), what)
}

// valueWithin returns the tree as a value, or an error if its text exceeds limit bytes or the
// maximum depth. Parts of a tree may be shared, so its text can be far larger than the tree: the
// tree is measured before the text is made.
func (f *stepper) valueWithin(tree any, limit int, what string) (*flow.Value, error) {
	n, err := value.Measure(tree, limit)
	if err != nil {
		return nil, f.runtimeError(what + " is " + err.Error())
	}
	if n > limit {
		return nil, f.dataLimitError(what, limit)
	}
	f.countBytes(n)
	return flow.ParsedValue(value.Append(make([]byte, 0, n), tree), tree), nil
}

// build evaluates a template at one place of a state.
func (f *stepper) build(t *expr.Template, v *env) (any, error) {
	if c, ok := t.ConstantValue(); ok {
		return c, nil
	}
	f.budget.OmitAbsent = v.omitAbsent
	out, err := t.Build(v, &f.budget)
	if err != nil {
		return nil, f.withLocation(v.entry, v.site, err)
	}
	return out, nil
}
