package interp

import (
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// flowV1 is the dialect `type: flow` (docs/flowv1.md). The states of a scope have the same input;
// what they put out is merged into the local data of the scope.
var flowV1 = dialect{
	data: &flowV1Data{},
	events: eventTypes{
		entered: flow.StepEntered, started: flow.StepStarted, succeeded: flow.StepSucceeded,
		failed: flow.StepFailed, timedOut: flow.StepFailed, exited: flow.StepExited,
		scopeEntered: [...]flow.EventType{flow.Parallel: flow.BranchEntered,
			flow.Map: flow.IterationEntered, flow.Task: 0},
		scopeExited: [...]flow.EventType{flow.Parallel: flow.BranchExited,
			flow.Map: flow.IterationExited, flow.Task: 0},
	},
	errors: errorNames{
		runtime: flow.ErrRuntime, childTimedOut: flow.ErrTaskTimeout, match: matchV1,
	},
	wait: waitRule{
		max:   func(l *flow.Limits, _ bool) int64 { return l.WaitSecondsV1 },
		texts: true,
	},
	concurrency: func(l *flow.Limits, _ *flow.MapSpec) int { return l.IterationsV1 },
	entryTokens: true,
	omitAbsent:  true,
}

// matchV1 is lenient where public flows need it (docs/flowv1.md#error-names).
func matchV1(rule, name string) bool {
	const exists, existsToo = "fnf.ExecutionAlreadyExists", "FnF.ExecutionAlreadyExists"
	if rule == flow.ErrorAll || rule == name {
		return true
	}
	if code, ok := strings.CutPrefix(rule, "FC."); ok && code == name {
		return true
	}
	return (rule == exists || rule == existsToo) && (name == exists || name == existsToo)
}

// flowV1Data is the data flow of FlowV1.
type flowV1Data struct{}

func (*flowV1Data) openScope(sc *scope) { sc.local = flow.Empty() }

func (*flowV1Data) current(sc *scope) *flow.Value { return sc.local }

func (*flowV1Data) goOn(sc *scope, data *flow.Value) { sc.local = data }

// defaultInput returns the input of the scope overlaid with its local data.
func (*flowV1Data) defaultInput(f *stepper, sc *scope) (*flow.Value, error) {
	if isEmpty(sc.local) {
		return sc.input, nil
	}
	return f.overlaid(sc.input, sc.local)
}

// iterationInput returns the input of the state with the item and its index.
func (*flowV1Data) iterationInput(f *stepper, e *entry, m *flow.MapSpec, item any) (any, error) {
	if !e.input.Loaded() {
		return nil, needValue(e.input)
	}
	own, _ := e.input.Object()
	f.workDone += len(own)
	in := make(map[string]any, len(own)+2)
	for k, v := range own {
		in[k] = v
	}
	in[m.Item] = item
	if m.Index != "" {
		in[m.Index] = value.FromInt(int64(e.cursor))
	}
	return in, nil
}

// context returns $context (docs/flowv1.md#context).
func (*flowV1Data) context(v *env) any {
	s := v.stepper.s
	out := map[string]any{
		"flow": map[string]any{"name": s.Flow, "id": s.Flow},
		"execution": map[string]any{"name": s.Name, "id": s.Name,
			"startedTime": time.UnixMilli(s.Started).UTC().Format("2006-01-02T15:04:05.000Z")},
	}
	if v.entry != nil {
		st := v.stepper.state(v.entry)
		out["step"] = map[string]any{"name": st.Name, "eventId": value.FromInt(v.entry.id)}
		if st.Task != nil && st.Task.Mode == flow.WaitForCustomCallback {
			out["task"] = map[string]any{"token": s.token(v.entry.id)}
		}
	}
	return out
}

func (*flowV1Data) scheduled(e *entry, _ *attempt) *flow.Value { return e.input }

func (*flowV1Data) passed(*entry) *flow.Value { return flow.Empty() }

func (*flowV1Data) joined(_ flow.Kind, results []*flow.Value) *flow.Value {
	return flow.TextValue(appendList(nil, results))
}

func (*flowV1Data) joinedDepth(flow.Kind) int { return 1 }

// leave merges the output into the local data of the scope.
func (*flowV1Data) leave(f *stepper, e *entry, st *flow.State) (departure, error) {
	out, err := f.outputV1(e, st)
	if err != nil {
		return departure{}, err
	}
	sc := e.scope
	local, err := f.merged(sc.local, out)
	if err != nil {
		return departure{}, err
	}
	limit := f.dataMax()
	if n := e.input.Len() + e.result.Len() + out.Len(); n > limit && e.result != out {
		return departure{}, f.dataLimitError("input, local data and output of step "+
			value.Quote(st.Name), limit)
	} else if n := e.input.Len() + out.Len(); n > limit {
		return departure{}, f.dataLimitError("input and output of step "+value.Quote(st.Name),
			limit)
	}
	return departure{output: out, data: local}, f.checkLocal(local, st)
}

// outputV1 builds the output of a step (docs/flowv1.md#data).
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

// checkLocal checks the limit of a scope's local data.
func (f *stepper) checkLocal(local *flow.Value, st *flow.State) error {
	if local.Len() > f.dataMax() {
		return f.dataLimitError("the local data after step "+value.Quote(st.Name), f.dataMax())
	}
	return nil
}

// caught returns the local data of the scope, overlaid with what errorMappings build.
func (*flowV1Data) caught(
	f *stepper, e *entry, st *flow.State, _ *flow.Catch,
) (*flow.Value, error) {
	if st.Task == nil || st.Task.ErrorOutput == nil {
		return e.scope.local, nil
	}
	tree, err := f.build(st.Task.ErrorOutput, f.catchEnv(e, "errorMappings"))
	if err != nil {
		return nil, err
	}
	out, err := f.valueWithinDataLimit(tree, "what errorMappings build")
	if err != nil {
		return nil, err
	}
	local, err := f.merged(e.scope.local, out)
	if err != nil {
		return nil, err
	}
	return local, f.checkLocal(local, st)
}

// executionOutput returns the local data, or what the outputMappings of the flow build.
func (*flowV1Data) executionOutput(f *stepper, root *scope) (*flow.Value, error) {
	out := root.local
	if f.m.Output != nil {
		tree, err := f.build(f.m.Output, &env{stepper: f, site: "outputMappings",
			input: root.input, local: root.local})
		if err != nil {
			return nil, err
		}
		if out, err = f.valueWithinDataLimit(tree, "the output of the execution"); err != nil {
			return nil, err
		}
	}
	return f.objectOutput(out)
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
