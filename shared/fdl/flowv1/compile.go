// Package flowv1 is the front end of the FlowV1 dialect: it checks the tree of a definition and
// compiles it to a flow.Machine. The rules of its diagnostics, F01 to F09, name one kind of mistake
// each (docs/flowv1.md#mistakes-in-a-definition).
package flowv1

import (
	"millrace/shared/fdl/lint"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// Compile checks and compiles a definition. name is the flow's name in the API call ("": not
// checked), mode is flow.Standard or flow.Express. The limits must be complete. Compile adds errors
// and warnings to the report; the caller must use the machine only if the report has no error.
func Compile(root *yamldoc.Node, name, mode string, limits flow.Limits,
	report *yamldoc.Report) *flow.Machine {
	c := &compiler{
		Report: report, limits: limits, mode: mode, lint: lint.New(report, &lint.FlowV1),
		machine: &flow.Machine{Dialect: flow.FlowV1}, taken: make(map[string]int),
	}
	c.top(root, name)
	c.lint.Check(c.machine)
	return c.machine
}

type compiler struct {
	*yamldoc.Report
	limits  flow.Limits
	mode    string
	machine *flow.Machine
	lint    *lint.Linter
	taken   map[string]int // line of the step with this name; names are unique in the whole flow
}

var topKeys = []string{"version", "type", "name", "steps", "inputMappings", "outputMappings",
	"timeoutSeconds", "description"}

func (c *compiler) top(root *yamldoc.Node, name string) {
	var path *yamldoc.Path
	for i := range root.Fields {
		if f := &root.Fields[i]; !contains(topKeys, f.Key) {
			c.WarnKey(f, path.Key(f.Key), c.Suggest(f.Key, topKeys), "unknown key, ignored")
		}
	}
	c.dialect(root)
	if n := c.text(root, path, "name"); n != nil {
		c.machine.Name = n.Text
		if !flow.ValidName(n.Text) {
			c.Error("F02", n, path.Key("name"), "",
				"must be 1 to 128 ASCII letters, digits, _ and -, the first a letter or _")
		} else if name != "" && n.Text != name {
			c.Error("F02", n, path.Key("name"), "", "must equal the flow's name %q", name)
		}
	}
	if n := root.Get("timeoutSeconds"); n != nil {
		c.machine.TimeoutSeconds = c.integer("F03", n, path.Key("timeoutSeconds"), 0,
			c.limits.ExecutionSeconds)
	}
	c.machine.Input = c.mappings(root, path, "inputMappings", rootsMapping, mappingContext{})
	c.machine.Output = c.mappings(root, path, "outputMappings", rootsMapping, mappingContext{})
	list := root.Get("steps")
	switch {
	case list == nil:
		c.Error("F01", root, path.Key("steps"), "", "is missing")
	case list.Kind != yamldoc.List:
		c.Error("F01", list, path.Key("steps"), "", "must be a list, not %s", list.Kind)
	default:
		c.machine.Root = c.scope(list, path.Key("steps"), &siblings{})
	}
}

// versions are the spellings of the only version, as flows in use have them
// (docs/api.md#createflow).
var versions = []string{"v1", "v1beta1", "v1.0"}

func (c *compiler) dialect(root *yamldoc.Node) {
	var path *yamldoc.Path
	if t := root.Get("type"); t == nil || t.Kind != yamldoc.String || t.Text != "flow" {
		hint := ""
		if t != nil && t.Text == "StateMachine" {
			hint = "StateMachine starts with Type: StateMachine and SpecVersion: v1"
		}
		c.Error("F01", or(t, root), path.Key("type"), hint, "must be flow")
	}
	v := root.Get("version")
	switch {
	case v == nil:
		c.Error("F01", root, path.Key("version"), "write version: v1", "is missing")
	case v.Kind != yamldoc.String || !contains(versions, v.Text):
		c.Error("F01", v, path.Key("version"), "", "must be v1, v1.0 or v1beta1")
	}
}

// or returns the first of two nodes that is not nil.
func or(n, other *yamldoc.Node) *yamldoc.Node {
	if n != nil {
		return n
	}
	return other
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
