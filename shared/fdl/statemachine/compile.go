// Package statemachine is the front end of the StateMachine dialect: it checks the tree of a
// definition by the rules V01 to V23 and compiles it to a flow.Machine.
package statemachine

import (
	"millrace/shared/expr"
	"millrace/shared/fdl/lint"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// Compile checks and compiles a definition. name is the flow's name in the API call ("": not
// checked), mode is flow.Standard or flow.Express. The limits must be complete. Compile adds errors
// and warnings to the report; the caller must use the machine only if the report has no error.
func Compile(root *yamldoc.Node, name, mode string, limits flow.Limits,
	report *yamldoc.Report) *flow.Machine {
	c := &compiler{Report: report, limits: limits, lint: lint.New(report, &lint.StateMachine),
		machine:  &flow.Machine{Dialect: flow.StateMachine},
		patterns: expr.DefaultPatternBudget()}
	c.top(root, name, mode)
	c.lint.Check(c.machine)
	c.checkReads()
	return c.machine
}

type compiler struct {
	*yamldoc.Report
	limits  flow.Limits
	machine *flow.Machine
	lint    *lint.Linter

	reads  []read
	reader reader

	patterns expr.PatternBudget // shared by the constant regular expressions of the definition
}

var topFields = []string{"Type", "SpecVersion", "Name", "StartAt", "States", "Description",
	"Timeout"}

func (c *compiler) top(root *yamldoc.Node, name, mode string) {
	c.dialect(root)
	c.name(root, name)
	c.timeout(root, mode)
	c.unknownFields(root, nil, topFields)
	c.machine.Root = c.scope(root, nil, &scope{mode: mode})
}

// dialect checks Type and SpecVersion.
func (c *compiler) dialect(root *yamldoc.Node) {
	const hint = "write Type: StateMachine and SpecVersion: v1"
	var path *yamldoc.Path
	if t := root.Get("Type"); t == nil {
		c.Error("V01", root, path.Key("Type"), hint, "is missing; it must be StateMachine")
	} else if t.Kind != yamldoc.String || t.Text != "StateMachine" {
		why := ""
		if t.Text == "Workflow" {
			why = " (Workflow is the spelling of the preview)"
		}
		if t.Text == "flow" {
			c.Error("V01", t, path.Key("Type"),
				"FlowV1 starts with type: flow and version: v1", "must be StateMachine")
			return
		}
		c.Error("V01", t, path.Key("Type"), hint, "must be StateMachine%s", why)
	}
	if v := root.Get("SpecVersion"); v == nil {
		c.Error("V02", root, path.Key("SpecVersion"), hint, "is missing; it must be v1")
	} else if v.Kind != yamldoc.String || v.Text != "v1" {
		why := ""
		if v.Text == "V3" {
			why = " (V3 is the spelling of the preview)"
		}
		c.Error("V02", v, path.Key("SpecVersion"), hint, "must be v1%s", why)
	}
}

func (c *compiler) name(root *yamldoc.Node, want string) {
	path := (*yamldoc.Path)(nil).Key("Name")
	n := root.Get("Name")
	switch {
	case n == nil:
		c.Error("V03", root, path, "", "is missing")
	case n.Kind != yamldoc.String:
		c.Error("V03", n, path, "put the name in quotes", "must be a string, not %s", n.Kind)
	case !flow.ValidName(n.Text):
		c.Error("V03", n, path, "",
			"must be 1 to 128 ASCII letters, digits, _ and -, the first a letter or _")
	case want != "" && n.Text != want:
		c.Error("V03", n, path, "", "must equal the flow's name %q", want)
	default:
		c.machine.Name = n.Text
	}
}

func (c *compiler) timeout(root *yamldoc.Node, mode string) {
	n := root.Get("Timeout")
	if n == nil {
		return
	}
	secondsMax := c.limits.ExecutionSeconds
	if mode == flow.Express {
		secondsMax = c.limits.ExpressSeconds
	}
	seconds, ok := n.Int()
	if !ok || seconds < 0 || seconds > secondsMax {
		c.Error("V22", n, (*yamldoc.Path)(nil).Key("Timeout"),
			"0 means the longest run of the mode", "must be an integer from 0 to %d", secondsMax)
		return
	}
	c.machine.TimeoutSeconds = seconds
}

// unknownFields warns of fields that have no effect.
func (c *compiler) unknownFields(n *yamldoc.Node, path *yamldoc.Path, known []string) {
	for i := range n.Fields {
		f := &n.Fields[i]
		if f.Value.Kind != yamldoc.Null && !contains(known, f.Key) {
			c.unknownField(f, path, known)
		}
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
