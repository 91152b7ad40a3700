// Package fdl compiles a flow's definition, in either dialect, to a flow.Machine.
package fdl

import (
	"millrace/shared/fdl/flowv1"
	"millrace/shared/fdl/source"
	"millrace/shared/fdl/statemachine"
	"millrace/shared/flow"
)

// Options say what a definition is checked against.
type Options struct {
	Name   string      // the flow's name in the API call; "" is not checked
	Mode   string      // flow.Standard or flow.Express; "" means flow.Standard
	Limits flow.Limits // zero fields mean the defaults
}

// Parse compiles a definition. It returns all errors and warnings at once, errors first; the API
// reports the first error. The machine is nil if there is an error.
func Parse(text []byte, o Options) (*flow.Machine, source.Diagnostics) {
	report := source.NewReport(text)
	limits := withDefaults(o.Limits)
	if o.Mode != flow.Express {
		o.Mode = flow.Standard
	}
	root := source.Parse(text, limits, report)
	if root == nil {
		return nil, report.Diagnostics()
	}
	var m *flow.Machine
	switch detectDialect(root) {
	case flow.StateMachine:
		m = statemachine.Compile(root, o.Name, o.Mode, limits, report)
	case flow.FlowV1:
		m = flowv1.Compile(root, o.Name, o.Mode, limits, report)
	default:
		report.Error("V01", root, nil,
			"start with Type: StateMachine and SpecVersion: v1, or with type: flow and version: v1",
			"a definition must be a mapping with Type or type")
	}
	if report.Failed() {
		m = nil
	}
	return m, report.Diagnostics()
}

// detectDialect detects the dialect by the top-level key. Without that key it guesses from the
// other keys, for better diagnostics, and returns 0 if there is nothing to guess from.
func detectDialect(root *source.Node) flow.Language {
	if root.Kind != source.Map {
		return 0
	}
	for _, k := range [...]struct {
		key      string
		language flow.Language
	}{
		{"Type", flow.StateMachine}, {"type", flow.FlowV1},
		{"States", flow.StateMachine}, {"SpecVersion", flow.StateMachine},
		{"steps", flow.FlowV1}, {"version", flow.FlowV1},
	} {
		if root.Get(k.key) != nil {
			return k.language
		}
	}
	return 0
}

// withDefaults fills in the defaults of zero limits.
func withDefaults(l flow.Limits) flow.Limits {
	d := flow.DefaultLimits()
	for _, f := range [...]struct{ set, to *int64 }{
		{&l.WaitSeconds, &d.WaitSeconds}, {&l.WaitSecondsV1, &d.WaitSecondsV1},
		{&l.WaitSecondsExpr, &d.WaitSecondsExpr},
		{&l.TaskSeconds, &d.TaskSeconds}, {&l.ExecutionSeconds, &d.ExecutionSeconds},
		{&l.ExpressSeconds, &d.ExpressSeconds},
	} {
		if *f.set == 0 {
			*f.set = *f.to
		}
	}
	for _, f := range [...]struct{ set, to *int }{
		{&l.DefinitionBytes, &d.DefinitionBytes}, {&l.ParallelBranches, &d.ParallelBranches},
		{&l.BranchesV1, &d.BranchesV1}, {&l.MapConcurrencyMax, &d.MapConcurrencyMax},
	} {
		if *f.set == 0 {
			*f.set = *f.to
		}
	}
	return l
}
