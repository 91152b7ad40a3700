package interp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"millrace/shared/expr"
	"millrace/shared/flow"
)

// env is the environment of an expression at one place of one state.
type env struct {
	stepper *stepper
	entry   *entry // nil at the mappings of the flow itself
	site    string // name of the place; part of errors and of the random seed

	input      *flow.Value
	local      *flow.Value // FlowV1
	output     *flow.Value // nil where $Output does not exist
	item       any         // ItemConstructor
	err        *flow.Error // set while a Catch rule is applied
	attempt    int64       // event id of the attempt; 0 where there is no task token
	draws      int
	omitAbsent bool           // leave out members whose path selects nothing
	merged     map[string]any // cached root Default
	all        map[string]any // cached root Global, once all members are read
}

// env returns the usual environment of an entry: its own input and result.
func (f *stepper) env(e *entry, site string) *env {
	return &env{stepper: f, entry: e, site: site, input: e.input, local: e.result}
}

// Root returns the value of a root.
func (v *env) Root(r expr.Root) (any, error) {
	switch r {
	case expr.Input:
		return treeOf(v.input)
	case expr.Output:
		if v.output == nil {
			return expr.Absent{}, nil
		}
		return treeOf(v.output)
	case expr.Local:
		return v.localRoot()
	case expr.Default:
		return v.defaultRoot()
	case expr.Global:
		return (*globalRoot)(v), nil
	case expr.Item:
		return v.item, nil
	case expr.Context:
		return v.stepper.d.data.context(v), nil
	}
	return expr.Absent{}, nil
}

func (v *env) localRoot() (any, error) {
	if v.err != nil {
		return map[string]any{"error": v.err.Name, "code": v.err.Name, "cause": v.err.Cause}, nil
	}
	if v.local == nil {
		return expr.Absent{}, nil
	}
	return treeOf(v.local)
}

// defaultRoot returns the input overlaid with the local data, if that is an object.
func (v *env) defaultRoot() (any, error) {
	if v.local == nil {
		return treeOf(v.input)
	}
	if !v.local.Loaded() {
		return nil, needValue(v.local)
	}
	if !v.local.IsObject() || isEmpty(v.local) {
		return treeOf(v.input)
	}
	if v.merged == nil {
		merged, err := overlay(v.input, v.local)
		if err != nil {
			return nil, err
		}
		v.merged = merged
		v.stepper.countBytes(v.input.Len() + v.local.Len())
	}
	return v.merged, nil
}

// globalRoot is $Global.
type globalRoot env

// Member returns one global variable.
func (g *globalRoot) Member(name string) (any, bool, error) {
	v, ok := g.stepper.s.Globals[name]
	if !ok {
		return nil, false, nil
	}
	if !v.Loaded() {
		return nil, false, g.needValues()
	}
	return v.Tree(), true, nil
}

// needValues asks for all global variables that are not loaded. Asking for one at a time would
// restart the evaluation for each.
func (g *globalRoot) needValues() error {
	var need needError
	for _, k := range slices.Sorted(maps.Keys(g.stepper.s.Globals)) {
		if v := g.stepper.s.Globals[k]; !v.Loaded() {
			need.values = append(need.values, v)
		}
	}
	return need
}

// Value returns all global variables.
func (g *globalRoot) Value() (map[string]any, error) {
	if g.all != nil {
		return g.all, nil
	}
	all := make(map[string]any, len(g.stepper.s.Globals))
	for k, v := range g.stepper.s.Globals {
		if !v.Loaded() {
			return nil, g.needValues()
		}
		all[k] = v.Tree()
	}
	g.stepper.workDone += len(all)
	g.all = all
	return all, nil
}

// Random returns the next random draw. It is the same on every repetition, and different for every
// attempt of the state and of the states around it (docs/protocol.md#clocks-random-values-and-ids).
func (v *env) Random() [16]byte {
	mac := hmac.New(sha256.New, v.stepper.s.Seed[:])
	path := binary.AppendUvarint(nil, uint64(len(v.site)))
	path = append(path, v.site...)
	path = binary.AppendUvarint(path, uint64(v.draws))
	v.draws++
	for e := v.entry; e != nil; e = e.scope.owner {
		for _, n := range [...]int64{
			int64(e.node), e.ordinal, int64(e.retries), int64(e.scope.index)} {
			path = binary.AppendUvarint(path, uint64(n))
		}
	}
	mac.Write(path)
	var out [16]byte
	copy(out[:], mac.Sum(nil))
	return out
}

// lazy is an object whose members are built on demand.
type lazy map[string]func() (any, error)

func constant(v any) func() (any, error) { return func() (any, error) { return v, nil } }
func treeThunk(v *flow.Value) func() (any, error) {
	return func() (any, error) { return treeOf(v) }
}

// Member returns one member.
func (l lazy) Member(name string) (any, bool, error) {
	make, ok := l[name]
	if !ok {
		return nil, false, nil
	}
	v, err := make()
	return v, true, err
}

// Value returns all members. It collects the values that are not loaded in the order of the names.
func (l lazy) Value() (map[string]any, error) {
	out := make(map[string]any, len(l))
	var absent needError
	for _, k := range slices.Sorted(maps.Keys(l)) {
		v, err := l[k]()
		if need, ok := err.(needError); ok {
			absent.values = append(absent.values, need.values...)
		} else if err != nil {
			return nil, err
		}
		out[k] = v
	}
	if absent.values != nil {
		return nil, absent
	}
	return out, nil
}
