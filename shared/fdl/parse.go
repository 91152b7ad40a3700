// Package fdl compiles a flow's definition, in either dialect, to a flow.Machine.
package fdl

import (
	"fmt"

	"millrace/shared/fault"
	"millrace/shared/fdl/flowv1"
	"millrace/shared/fdl/statemachine"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// Options say what a definition is checked against.
type Options struct {
	Name   string      // the flow's name in the API call; "" is not checked
	Mode   string      // flow.Standard or flow.Express; "" means flow.Standard
	Limits flow.Limits // zero fields mean the defaults
}

// Parse compiles a definition. It returns all errors and warnings at once, errors first; the API
// reports the first error. The machine is nil if there is an error.
func Parse(text []byte, o Options) (*flow.Machine, yamldoc.Diagnostics) {
	report := yamldoc.NewReport(text)
	limits := withDefaults(o.Limits)
	if o.Mode != flow.Express {
		o.Mode = flow.Standard
	}
	root := yamldoc.Parse(text, limits.DefinitionBytes, report)
	if root == nil {
		return nil, report.Diagnostics()
	}
	var m *flow.Machine
	if compile := frontEnd(root); compile != nil {
		m = compile(root, o.Name, o.Mode, limits, report)
	} else {
		report.Error("V01", root, nil,
			"start with Type: StateMachine and SpecVersion: v1, or with type: flow and version: v1",
			"a definition must be a mapping with Type or type")
	}
	if report.Failed() {
		m = nil
	}
	return m, report.Diagnostics()
}

// Fault returns the first error as a fault of the caller, or nil if there are only warnings.
func Fault(list yamldoc.Diagnostics) *fault.Error {
	d := list.First()
	if d == nil {
		return nil
	}
	where := d.Path
	if where == "" {
		where = fmt.Sprintf("line %d, column %d", d.Line, d.Column)
	}
	return fault.New(fault.InvalidArgument, "Definition is invalid: %s: %s", where, d.Message)
}

// compileFunc is the front end of a dialect.
type compileFunc func(
	root *yamldoc.Node, name, mode string, limits flow.Limits, report *yamldoc.Report,
) *flow.Machine

// frontEnds are the front ends by a key at the top of a definition. The first key that a definition
// has decides. Type and type name the dialect; the other keys only help to give better diagnostics.
var frontEnds = [...]struct {
	key     string
	compile compileFunc
}{
	{"Type", statemachine.Compile}, {"type", flowv1.Compile},
	{"States", statemachine.Compile}, {"SpecVersion", statemachine.Compile},
	{"steps", flowv1.Compile}, {"version", flowv1.Compile},
}

// frontEnd returns the front end of a definition's dialect, or nil if nothing tells the dialect.
func frontEnd(root *yamldoc.Node) compileFunc {
	if root.Kind != yamldoc.Map {
		return nil
	}
	for _, f := range frontEnds {
		if root.Get(f.key) != nil {
			return f.compile
		}
	}
	return nil
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
