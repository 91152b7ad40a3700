package interp

import (
	"maps"
	"slices"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// input builds the input of a state (fdl-statemachine.md 9.4, fdl-flow.md 2.2).
func (f *stepper) input(e *entry) (*flow.Value, error) {
	st := f.state(e)
	if st.Input == nil {
		return f.defaultInput(e.scope)
	}
	v := f.env(e, "InputConstructor")
	v.input, v.local = e.scope.input, e.scope.local
	tree, err := f.build(st.Input, v)
	if err != nil {
		return nil, err
	}
	return f.valueWithinDataLimit(tree, "the input of state "+value.Quote(st.Name))
}

// defaultInput returns the input of a state that has no InputConstructor.
func (f *stepper) defaultInput(sc *scope) (*flow.Value, error) {
	if f.m.Language == flow.StateMachine || isEmpty(sc.local) {
		return sc.input, nil
	}
	return f.overlaid(sc.input, sc.local)
}

func isEmpty(v *flow.Value) bool { return v.Len() == 2 && v.Loaded() && v.IsObject() }

// overlaid returns the overlay as a value.
func (f *stepper) overlaid(under, over *flow.Value) (*flow.Value, error) {
	tree, err := overlay(under, over)
	if err != nil {
		return nil, err
	}
	f.countBytes(under.Len() + over.Len())
	return flow.NewValue(tree), nil
}

// overlay returns the members of under and over; those of over win.
func overlay(under, over *flow.Value) (map[string]any, error) {
	a, err := treeOf(under)
	if err != nil {
		return nil, err
	}
	b, err := treeOf(over)
	if err != nil {
		return nil, err
	}
	low, _ := a.(map[string]any)
	high, _ := b.(map[string]any)
	out := make(map[string]any, len(low)+len(high))
	for k, v := range low {
		out[k] = v
	}
	for k, v := range high {
		out[k] = v
	}
	return out, nil
}

// leave builds the state's output and exits to the next state.
func (f *stepper) leave(e *entry) error {
	f.countBytes(e.result.Len())
	if f.m.Language == flow.FlowV1 {
		return f.leaveV1(e)
	}
	st := f.state(e)
	limit := f.l.Data(flow.StateMachine)
	if n := e.result.Len(); n > f.l.ResultBytes {
		return f.dataLimitError("the result of state "+value.Quote(st.Name), f.l.ResultBytes)
	}
	out := e.result
	if st.Output != nil {
		v := f.env(e, "OutputConstructor")
		v.output = e.result
		tree, err := f.build(st.Output, v)
		if err != nil {
			return err
		}
		out, err = f.valueWithinDataLimit(tree, "the output of state "+value.Quote(st.Name))
		if err != nil {
			return err
		}
	}
	globals, err := f.globals(e, st)
	if err != nil {
		return err
	}
	if out.Len() > limit {
		return f.dataLimitError("the output of state "+value.Quote(st.Name), limit)
	}
	if err := f.checkEventLimit(1); err != nil {
		return err
	}
	for k, v := range globals {
		if f.s.Globals == nil {
			f.s.Globals = map[string]*flow.Value{}
		}
		f.s.Globals[k] = v
	}
	sc := e.scope
	sc.last = f.emit(flow.HistoryEvent{Type: flow.StateSucceeded, Schedule: e.last, Node: e.node,
		Output: out})
	sc.input = out
	f.exitTo(e, f.target(e, st))
	return nil
}

// globalNameBytes is the maximum length of a global variable's name, in bytes.
const globalNameBytes = 128

// globals builds the values that the state writes to $Global and checks their limits.
func (f *stepper) globals(e *entry, st *flow.State) (map[string]*flow.Value, error) {
	if st.Global == nil {
		return nil, nil
	}
	v := f.env(e, "GlobalConstructor")
	v.output = e.result
	tree, err := f.build(st.Global, v)
	if err != nil {
		return nil, err
	}
	members, ok := tree.(map[string]any)
	if !ok {
		return nil, f.runtimeError("GlobalConstructor must give an object")
	}
	total := 0
	f.workDone += len(f.s.Globals) / 4
	for k, v := range f.s.Globals {
		if _, again := members[k]; !again {
			total += len(k) + v.Len()
		}
	}
	made := make(map[string]*flow.Value, len(members))
	for _, k := range slices.Sorted(maps.Keys(members)) {
		if len(k) > globalNameBytes {
			return nil, f.dataLimitError("the name of global variable "+value.Quote(k),
				globalNameBytes)
		}
		what := "global variable " + value.Quote(k)
		n, err := value.Measure(members[k], f.l.GlobalBytes)
		if err != nil {
			return nil, f.runtimeError(what + " is " + err.Error())
		}
		if n > f.l.GlobalBytes {
			return nil, f.dataLimitError(what, f.l.GlobalBytes)
		}
		f.countBytes(n)
		made[k] = flow.NewValue(members[k])
		total += len(k) + n
	}
	if total > f.l.GlobalsBytes {
		return nil, f.dataLimitError("all global variables together", f.l.GlobalsBytes)
	}
	return made, nil
}

// leaveV1 is leave for FlowV1: it merges the output into the local data of the scope.
func (f *stepper) leaveV1(e *entry) error {
	st := f.state(e)
	out, err := f.outputV1(e, st)
	if err != nil {
		return err
	}
	sc := e.scope
	local, err := f.merged(sc.local, out)
	if err != nil {
		return err
	}
	if n := e.input.Len() + e.result.Len() + out.Len(); n > f.l.Data(flow.FlowV1) &&
		e.result != out {
		return f.dataLimitError("input, local data and output of step "+value.Quote(st.Name),
			f.l.Data(flow.FlowV1))
	} else if n := e.input.Len() + out.Len(); n > f.l.Data(flow.FlowV1) {
		return f.dataLimitError("input and output of step "+value.Quote(st.Name),
			f.l.Data(flow.FlowV1))
	}
	if n := local.Len(); n > f.l.Data(flow.FlowV1) {
		return f.dataLimitError("the local data after step "+value.Quote(st.Name),
			f.l.Data(flow.FlowV1))
	}
	if err := f.checkEventLimit(2); err != nil {
		return err
	}
	id := f.emit(flow.HistoryEvent{Type: flow.StepSucceeded, Schedule: e.last, Node: e.node,
		Output: out})
	sc.local = local
	sc.last = f.emit(flow.HistoryEvent{Type: flow.StepExited, Schedule: id, Node: e.node,
		Local: local})
	f.exitTo(e, f.target(e, st))
	return nil
}

// outputV1 builds the output of a FlowV1 step (fdl-flow.md 2.3).
func (f *stepper) outputV1(e *entry, st *flow.State) (*flow.Value, error) {
	if st.Output != nil {
		v := f.env(e, "outputMappings")
		v.local = e.result
		tree, err := f.build(st.Output, v)
		if err != nil {
			return nil, err
		}
		return f.valueWithinDataLimit(tree, "the output of step "+value.Quote(st.Name))
	}
	if st.Kind == flow.Parallel || st.Kind == flow.Map {
		return flow.Empty(), nil
	}
	if !e.result.Loaded() {
		return nil, needValue(e.result)
	}
	if !e.result.IsObject() {
		return nil, stateError{flow.Error{Name: flow.ErrInvalidLocal,
			Cause: "the result of step " + value.Quote(st.Name) + " is no JSON object; " +
				"build one with outputMappings"}}
	}
	return e.result, nil
}

// merged returns local overlaid with the members of out.
func (f *stepper) merged(local, out *flow.Value) (*flow.Value, error) {
	if !out.Loaded() {
		return nil, needValue(out)
	}
	if isEmpty(out) {
		return local, nil
	}
	if isEmpty(local) {
		return out, nil
	}
	return f.overlaid(local, out)
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

// exitTo closes the entry and sets the scope's next state.
func (f *stepper) exitTo(e *entry, target int) {
	e.phase = closed
	e.scope.cur, e.scope.target = nil, target
}

// succeed ends the execution with status Succeeded.
func (f *stepper) succeed(sc *scope) error {
	out := sc.input
	if f.m.Language == flow.FlowV1 {
		out = sc.local
		if f.m.Output != nil {
			tree, err := f.build(f.m.Output, &env{stepper: f, site: "outputMappings",
				input: sc.input, local: sc.local})
			if err != nil {
				return err
			}
			if out, err = f.valueWithinDataLimit(tree, "the output of the execution"); err != nil {
				return err
			}
		}
	}
	if !out.Loaded() {
		return needValue(out)
	}
	if !out.IsObject() {
		return stateError{flow.Error{Name: flow.ErrExpression, Cause: truncateCause("the output " +
			"of the execution must be a JSON object, got " + value.Quote(string(out.Text())))}}
	}
	if out.Len() > f.l.Data(f.m.Language) {
		return f.dataLimitError("the output of the execution", f.l.Data(f.m.Language))
	}
	f.s.Output = out
	f.end(flow.Succeeded, nil)
	return nil
}

// valueWithinDataLimit returns the tree as a value, or an error if it exceeds the data limit of a
// state.
func (f *stepper) valueWithinDataLimit(tree any, what string) (*flow.Value, error) {
	return f.valueWithin(tree, f.l.Data(f.m.Language), what)
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
