package interp

import (
	"maps"
	"slices"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// stateMachine is the dialect `Type: StateMachine` (docs/statemachine.md). The output of a state is
// the input of the next one.
var stateMachine = dialect{
	data: &stateMachineData{},
	events: eventTypes{
		entered: flow.StateEntered, started: flow.StateStarted, succeeded: flow.StateSucceeded,
		failed: flow.StateFailed, timedOut: flow.StateTimedOut, aborted: flow.StateAborted,
	},
	errors: errorNames{
		runtime: flow.ErrExpression, fail: flow.ErrFail, childTimedOut: flow.ErrExecutionTimedOut,
		match: func(rule, name string) bool { return rule == flow.ErrorAll || rule == name },
	},
	wait: waitRule{min: 1, max: func(l *flow.Limits, express bool) int64 {
		if express {
			return l.WaitSecondsExpr
		}
		return l.WaitSeconds
	}},
	catchReplaces: true,
	concurrency: func(l *flow.Limits, m *flow.MapSpec) int {
		if m.Concurrency == 0 {
			return l.MapConcurrency
		}
		return min(m.Concurrency, l.MapConcurrencyMax)
	},
}

// stateMachineData is the data flow of StateMachine. A scope has no local data: its input changes
// from state to state.
type stateMachineData struct{}

func (*stateMachineData) openScope(*scope) {}

func (*stateMachineData) current(sc *scope) *flow.Value { return sc.input }

func (*stateMachineData) goOn(sc *scope, data *flow.Value) { sc.input = data }

func (*stateMachineData) defaultInput(_ *stepper, sc *scope) (*flow.Value, error) {
	return sc.input, nil
}

// iterationInput returns the item itself.
func (*stateMachineData) iterationInput(
	_ *stepper, _ *entry, _ *flow.MapSpec, item any,
) (any, error) {
	return item, nil
}

func (*stateMachineData) context(v *env) any { return (*contextRoot)(v) }

// scheduled returns the task's parameters.
func (*stateMachineData) scheduled(_ *entry, a *attempt) *flow.Value {
	if a.params == nil {
		return flow.Empty()
	}
	return a.params
}

func (*stateMachineData) passed(e *entry) *flow.Value { return e.input }

// joined returns {"Branch0":…} for a Parallel and {"Items":[…]} for a Map.
func (*stateMachineData) joined(kind flow.Kind, results []*flow.Value) *flow.Value {
	if kind == flow.Parallel {
		members := make(map[string]any, len(results))
		for i, v := range results {
			members["Branch"+strconv.Itoa(i)] = v.Tree()
		}
		return flow.NewValue(members)
	}
	return flow.TextValue(append(appendList([]byte(`{"Items":`), results), '}'))
}

func (*stateMachineData) joinedDepth(kind flow.Kind) int {
	if kind == flow.Map {
		return 2
	}
	return 1
}

// leave applies OutputConstructor and GlobalConstructor (docs/statemachine.md#data-flow).
func (*stateMachineData) leave(f *stepper, e *entry, st *flow.State) (departure, error) {
	if n := e.result.Len(); n > f.l.ResultBytes {
		return departure{}, f.dataLimitError("the result of state "+value.Quote(st.Name),
			f.l.ResultBytes)
	}
	out := e.result
	if st.Output != nil {
		v := f.env(e, "OutputConstructor")
		v.output = e.result
		tree, err := f.build(st.Output, v)
		if err != nil {
			return departure{}, err
		}
		out, err = f.valueWithinDataLimit(tree, "the output of state "+value.Quote(st.Name))
		if err != nil {
			return departure{}, err
		}
	}
	globals, err := f.globals(e, st)
	if err != nil {
		return departure{}, err
	}
	if out.Len() > f.dataMax() {
		return departure{}, f.dataLimitError("the output of state "+value.Quote(st.Name),
			f.dataMax())
	}
	return departure{output: out, data: out, globals: globals}, nil
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

// caught returns the input of the target: the rule's OutputConstructor, or the error.
func (*stateMachineData) caught(
	f *stepper, e *entry, _ *flow.State, c *flow.Catch,
) (*flow.Value, error) {
	if c.Output == nil {
		tree := map[string]any{"Code": e.failure.Name, "Detail": e.failure.Cause}
		return flow.NewValue(tree), nil
	}
	tree, err := f.build(c.Output, f.catchEnv(e, "Catch.OutputConstructor"))
	if err != nil {
		return nil, err
	}
	return f.valueWithinDataLimit(tree, "the input of the Catch target")
}

func (*stateMachineData) executionOutput(f *stepper, root *scope) (*flow.Value, error) {
	return f.objectOutput(root.input)
}

// contextRoot is $Context (docs/expressions.md#context). Its members are built on demand.
type contextRoot env

// Member returns one of Execution, Current, Workflow.
func (c *contextRoot) Member(name string) (any, bool, error) {
	s := c.stepper.s
	switch name {
	case "Execution":
		return lazy{"Name": constant(s.Name), "RoleArn": constant(s.RoleArn),
			"Input": treeThunk(s.Input)}, true, nil
	case "Workflow":
		return map[string]any{"Flow": s.Flow, "AccountId": s.Account, "Region": s.Region}, true, nil
	case "Current":
		return c.current(), true, nil
	}
	return nil, false, nil
}

func (c *contextRoot) current() lazy {
	e := c.entry
	out := lazy{"Name": constant(c.stepper.state(e).Name), "Input": treeThunk(c.input),
		"RetryCount": constant(value.FromInt(int64(e.retries)))}
	if c.output != nil {
		out["Output"] = treeThunk(c.output)
	}
	if c.err != nil {
		out["Error"] = constant(map[string]any{"Code": c.err.Name, "Detail": c.err.Cause})
	}
	if c.attempt != 0 {
		out["TaskToken"] = func() (any, error) { return c.stepper.s.token(c.attempt), nil }
	}
	return out
}

// Value returns the whole context.
func (c *contextRoot) Value() (map[string]any, error) {
	out := map[string]any{}
	for _, name := range []string{"Execution", "Current", "Workflow"} {
		m, _, err := c.Member(name)
		if err != nil {
			return nil, err
		}
		if l, ok := m.(lazy); ok {
			if m, err = l.Value(); err != nil {
				return nil, err
			}
		}
		out[name] = m
	}
	return out, nil
}
