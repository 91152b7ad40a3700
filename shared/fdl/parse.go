// Package fdl compiles a flow's definition, in either of the two definition languages, to a flow.Machine.
package fdl

import (
	"millrace/shared/fdl/source"
	"millrace/shared/fdl/states"
	"millrace/shared/fdl/steps"
	"millrace/shared/flow"
)

// Options say what a definition is checked against.
type Options struct {
	Name   string      // the flow's name in the API call; "" is not checked
	Mode   string      // flow.Standard or flow.Express; "" is flow.Standard
	Limits flow.Limits // fields that are zero mean the defaults
}

// Parse compiles a definition. It gives everything that is wrong or looks wrong at once, errors before
// warnings, the first error being the one that the API reports. The machine is nil when there is an error.
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
		m = states.Compile(root, o.Name, o.Mode, limits, report)
	case flow.FlowV1:
		m = steps.Compile(root, o.Name, o.Mode, limits, report)
	default:
		report.Error("V01", root, nil, "start with Type: StateMachine and SpecVersion: v1, or with type: flow and version: v1",
			"a definition must be a mapping with Type or type")
	}
	if report.Failed() {
		m = nil
	}
	return m, report.Diagnostics()
}

// detectDialect tells the language by the top-level key. A definition without it is taken for the language that its
// other keys belong to, for the sake of better diagnostics; 0 when there is nothing to go by.
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

// withDefaults fills in the defaults of limits.
func withDefaults(l flow.Limits) flow.Limits {
	d := flow.DefaultLimits()
	for _, f := range [...]struct{ set, to *int64 }{
		{&l.WaitSeconds, &d.WaitSeconds}, {&l.WaitSecondsV1, &d.WaitSecondsV1}, {&l.WaitSecondsExpr, &d.WaitSecondsExpr},
		{&l.TaskSeconds, &d.TaskSeconds}, {&l.ExecutionSeconds, &d.ExecutionSeconds}, {&l.ExpressSeconds, &d.ExpressSeconds},
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
