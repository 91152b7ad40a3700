package interp

import (
	"maps"
	"slices"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// input builds what a state works on (fdl-statemachine.md 9.4, fdl-flow.md 2.2).
func (f *fold) input(e *entry) (*flow.Value, error) {
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
	return f.sized(tree, "the input of state "+value.Quote(st.Name))
}

// defaultInput is the input of a state that builds none.
func (f *fold) defaultInput(sc *scope) (*flow.Value, error) {
	if f.m.Language == flow.States || isEmpty(sc.local) {
		return sc.input, nil
	}
	return f.overlaid(sc.input, sc.local)
}

func isEmpty(v *flow.Value) bool { return v.Len() == 2 && v.Loaded() && v.IsObject() }

// overlaid is overlay as a value.
func (f *fold) overlaid(under, over *flow.Value) (*flow.Value, error) {
	tree, err := overlay(under, over)
	if err != nil {
		return nil, err
	}
	f.write(under.Len() + over.Len())
	return flow.NewValue(tree), nil
}

// overlay is the parent's input with the local data over it.
func overlay(under, over *flow.Value) (map[string]any, error) {
	a, err := loaded(under)
	if err != nil {
		return nil, err
	}
	b, err := loaded(over)
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

// leave builds the state's output and goes to the next state.
func (f *fold) leave(e *entry) error {
	f.write(e.result.Len())
	if f.m.Language == flow.Steps {
		return f.leaveStep(e)
	}
	st := f.state(e)
	limit := f.l.Data(flow.States)
	if n := e.result.Len(); n > f.l.ResultBytes {
		return f.tooLarge("the result of state "+value.Quote(st.Name), f.l.ResultBytes)
	}
	out := e.result
	if st.Output != nil {
		v := f.env(e, "OutputConstructor")
		v.output = e.result
		tree, err := f.build(st.Output, v)
		if err != nil {
			return err
		}
		if out, err = f.sized(tree, "the output of state "+value.Quote(st.Name)); err != nil {
			return err
		}
	}
	globals, err := f.globals(e, st)
	if err != nil {
		return err
	}
	if out.Len() > limit {
		return f.tooLarge("the output of state "+value.Quote(st.Name), limit)
	}
	if err := f.room(1); err != nil {
		return err
	}
	for k, v := range globals {
		if f.s.Globals == nil {
			f.s.Globals = map[string]*flow.Value{}
		}
		f.s.Globals[k] = v
	}
	sc := e.scope
	sc.last = f.emit(flow.HistoryEvent{Type: flow.StateSucceeded, Schedule: e.last, Node: e.node, Output: out})
	sc.input = out
	f.goOn(e, f.target(e, st))
	return nil
}

// globalNameBytes bounds the name of a global variable.
const globalNameBytes = 128

// globals builds what the state writes to $Global and checks its limits.
func (f *fold) globals(e *entry, st *flow.State) (map[string]*flow.Value, error) {
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
		return nil, f.runtime("GlobalConstructor must give an object")
	}
	total := 0
	f.used += len(f.s.Globals) / 4
	for k, v := range f.s.Globals {
		if _, again := members[k]; !again {
			total += len(k) + v.Len()
		}
	}
	made := make(map[string]*flow.Value, len(members))
	for _, k := range slices.Sorted(maps.Keys(members)) {
		if len(k) > globalNameBytes {
			return nil, f.tooLarge("the name of global variable "+value.Quote(k), globalNameBytes)
		}
		what := "global variable " + value.Quote(k)
		n, err := value.Measure(members[k], f.l.GlobalBytes)
		if err != nil {
			return nil, f.runtime(what + " is " + err.Error())
		}
		if n > f.l.GlobalBytes {
			return nil, f.tooLarge(what, f.l.GlobalBytes)
		}
		f.write(n)
		made[k] = flow.NewValue(members[k])
		total += len(k) + n
	}
	if total > f.l.GlobalsBytes {
		return nil, f.tooLarge("all global variables together", f.l.GlobalsBytes)
	}
	return made, nil
}

// leaveStep is leave in the older language: the output is merged into the local data of the list.
func (f *fold) leaveStep(e *entry) error {
	st := f.state(e)
	out, err := f.stepOutput(e, st)
	if err != nil {
		return err
	}
	sc := e.scope
	local, err := f.merged(sc.local, out)
	if err != nil {
		return err
	}
	if n := e.input.Len() + e.result.Len() + out.Len(); n > f.l.Data(flow.Steps) && e.result != out {
		return f.tooLarge("input, local data and output of step "+value.Quote(st.Name), f.l.Data(flow.Steps))
	} else if n := e.input.Len() + out.Len(); n > f.l.Data(flow.Steps) {
		return f.tooLarge("input and output of step "+value.Quote(st.Name), f.l.Data(flow.Steps))
	}
	if n := local.Len(); n > f.l.Data(flow.Steps) {
		return f.tooLarge("the local data after step "+value.Quote(st.Name), f.l.Data(flow.Steps))
	}
	if err := f.room(2); err != nil {
		return err
	}
	id := f.emit(flow.HistoryEvent{Type: flow.StepSucceeded, Schedule: e.last, Node: e.node, Output: out})
	sc.local = local
	sc.last = f.emit(flow.HistoryEvent{Type: flow.StepExited, Schedule: id, Node: e.node, Local: local})
	f.goOn(e, f.target(e, st))
	return nil
}

// stepOutput is fdl-flow.md 2.3.
func (f *fold) stepOutput(e *entry, st *flow.State) (*flow.Value, error) {
	if st.Output != nil {
		v := f.env(e, "outputMappings")
		v.local = e.result
		tree, err := f.build(st.Output, v)
		if err != nil {
			return nil, err
		}
		return f.sized(tree, "the output of step "+value.Quote(st.Name))
	}
	if st.Kind == flow.Parallel || st.Kind == flow.Map {
		return flow.Empty(), nil
	}
	if !e.result.Loaded() {
		return nil, missing(e.result)
	}
	if !e.result.IsObject() {
		return nil, stateError{flow.Error{Name: flow.ErrInvalidLocal,
			Cause: "the result of step " + value.Quote(st.Name) + " is no JSON object; build one with outputMappings"}}
	}
	return e.result, nil
}

// merged is local with the members of out over it.
func (f *fold) merged(local, out *flow.Value) (*flow.Value, error) {
	if !out.Loaded() {
		return nil, missing(out)
	}
	if isEmpty(out) {
		return local, nil
	}
	if isEmpty(local) {
		return out, nil
	}
	return f.overlaid(local, out)
}

// target is where a finished state goes.
func (f *fold) target(e *entry, st *flow.State) int {
	if st.Kind == flow.Choice {
		if next := option(st, e.option).Next; next != flow.Follow {
			return next
		}
	}
	return st.Next
}

// goOn closes the entry and sends its scope to a state.
func (f *fold) goOn(e *entry, target int) {
	e.phase = closed
	e.scope.cur, e.scope.at = nil, target
}

// succeed ends the execution well.
func (f *fold) succeed(sc *scope) error {
	out := sc.input
	if f.m.Language == flow.Steps {
		out = sc.local
		if f.m.Output != nil {
			tree, err := f.build(f.m.Output, &env{fold: f, site: "outputMappings", input: sc.input, local: sc.local})
			if err != nil {
				return err
			}
			if out, err = f.sized(tree, "the output of the execution"); err != nil {
				return err
			}
		}
	}
	if !out.Loaded() {
		return missing(out)
	}
	if !out.IsObject() {
		return stateError{flow.Error{Name: flow.ErrExpression, Cause: cut("the output of the execution must be a JSON object, got " + value.Quote(string(out.Text())))}}
	}
	if out.Len() > f.l.Data(f.m.Language) {
		return f.tooLarge("the output of the execution", f.l.Data(f.m.Language))
	}
	f.s.Output = out
	f.end(flow.Succeeded, nil)
	return nil
}

// sized makes a value of a tree that is not larger than a state's data may be.
func (f *fold) sized(tree any, what string) (*flow.Value, error) {
	return f.measured(tree, f.l.Data(f.m.Language), what)
}

// measured makes a value of a tree whose text has no more bytes than most, and is not nested deeper than any value may be. A
// tree may share parts, so it is measured before its text is made.
func (f *fold) measured(tree any, most int, what string) (*flow.Value, error) {
	n, err := value.Measure(tree, most)
	if err != nil {
		return nil, f.runtime(what + " is " + err.Error())
	}
	if n > most {
		return nil, f.tooLarge(what, most)
	}
	f.write(n)
	return flow.ParsedValue(value.Append(make([]byte, 0, n), tree), tree), nil
}

// build builds a template for a place in a state.
func (f *fold) build(t *expr.Template, v *env) (any, error) {
	if c, ok := t.ConstantValue(); ok {
		return c, nil
	}
	f.spend.Sparse = v.sparse
	out, err := t.Build(v, &f.spend)
	if err != nil {
		return nil, f.located(v.entry, v.site, err)
	}
	return out, nil
}
