package flowv1

import (
	"strings"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

var optionKeys = []string{"condition", "steps", "goto"}

// choice compiles the options and the default, in the order of the text.
func (c *compiler) choice(n *yamldoc.Node, path *yamldoc.Path, s *siblings) *flow.ChoiceSpec {
	spec := &flow.ChoiceSpec{Default: flow.Option{Next: flow.StateNext}}
	if n.Before("choices", "default") {
		c.options(n, path, s, spec)
		c.defaults(n, path, s, spec)
	} else {
		c.defaults(n, path, s, spec)
		c.options(n, path, s, spec)
	}
	return spec
}

func (c *compiler) options(
	n *yamldoc.Node, path *yamldoc.Path, s *siblings, spec *flow.ChoiceSpec,
) {
	for _, it := range c.items(n, path, "choices") {
		c.keys(it.node, it.path, optionKeys...)
		o := c.option(it.node, it.path, s)
		condition := c.text(it.node, it.path, "condition")
		switch {
		case condition != nil:
			o.Condition = c.condition(condition, it.path.Key("condition"))
		case it.node.Get("condition") == nil:
			c.Error("F08", it.node, it.path.Key("condition"), "", "is missing")
		}
		spec.Options = append(spec.Options, o)
	}
}

func (c *compiler) defaults(
	n *yamldoc.Node, path *yamldoc.Path, s *siblings, spec *flow.ChoiceSpec,
) {
	v := c.typed(n, path, "default", yamldoc.Map)
	if v == nil {
		return
	}
	at := path.Key("default")
	for i := range v.Fields {
		if f := &v.Fields[i]; f.Key != "steps" && f.Key != "goto" {
			c.WarnKey(f, at.Key(f.Key), c.Suggest(f.Key, []string{"steps", "goto"}),
				"unknown key, ignored")
		}
	}
	spec.Default = c.option(v, at, s)
}

// option compiles steps and goto.
func (c *compiler) option(n *yamldoc.Node, path *yamldoc.Path, s *siblings) flow.Option {
	o := flow.Option{Next: c.target(n, path, s, flow.StateNext)}
	if list := c.typed(n, path, "steps", yamldoc.List); list != nil && len(list.Items) > 0 {
		o.Scope = c.scope(list, path.Key("steps"), &siblings{outer: s, leave: leaveOption})
	}
	return o
}

func (c *compiler) condition(n *yamldoc.Node, path *yamldoc.Path) *expr.Expr {
	e, err := expr.ParseCondition(n.Text)
	if err != nil {
		c.ErrorIn("F08", n, err.Offset, path, "", "%s", err.Error())
		return nil
	}
	return e
}

// parallel compiles the branches.
func (c *compiler) parallel(n *yamldoc.Node, path *yamldoc.Path, s *siblings) []*flow.Scope {
	items := c.items(n, path, "branches")
	if list := n.Get("branches"); list == nil || list.Kind == yamldoc.List {
		count := 0
		if list != nil {
			count = len(list.Items)
		}
		if count == 0 || count > c.limits.BranchesV1 {
			c.Error("F09", or(list, n), path.Key("branches"), "",
				"must have 1 to %d branches, not %d", c.limits.BranchesV1, count)
		}
	}
	branches := make([]*flow.Scope, len(items))
	for i, it := range items {
		c.keys(it.node, it.path, "steps")
		branches[i] = c.requiredSteps(it.node, it.path, s)
	}
	return branches
}

// requiredSteps compiles the steps of a branch or a foreach, which must not be empty.
func (c *compiler) requiredSteps(
	n *yamldoc.Node, path *yamldoc.Path, outer *siblings,
) *flow.Scope {
	list := c.typed(n, path, "steps", yamldoc.List)
	if list == nil || len(list.Items) == 0 {
		if v := n.Get("steps"); v == nil || v.Kind == yamldoc.List {
			c.Error("F09", n, path.Key("steps"), "", "must have at least one step")
		}
		return &flow.Scope{Start: flow.End}
	}
	return c.scope(list, path.Key("steps"), &siblings{outer: outer, leave: leaveBranch})
}

// foreach compiles iterationMapping and the steps.
func (c *compiler) foreach(n *yamldoc.Node, path *yamldoc.Path, s *siblings) *flow.MapSpec {
	spec := &flow.MapSpec{}
	if m := c.typed(n, path, "iterationMapping", yamldoc.Map); m != nil {
		c.iteration(m, path.Key("iterationMapping"), spec)
	} else if n.Get("iterationMapping") == nil {
		c.Error("F09", n, path.Key("iterationMapping"), "write collection and item into it",
			"is missing")
	}
	spec.Processor = c.requiredSteps(n, path, s)
	return spec
}

func (c *compiler) iteration(m *yamldoc.Node, path *yamldoc.Path, spec *flow.MapSpec) {
	c.keys(m, path, "collection", "item", "index")
	if v := c.text(m, path, "collection"); v != nil {
		spec.Items = c.path(v, path.Key("collection"), expr.Default)
	} else if m.Get("collection") == nil {
		c.Error("F09", m, path.Key("collection"), "write a path that gives an array, like $.items",
			"is missing")
	}
	spec.Item = c.member(m, path, "item")
	spec.Index = c.member(m, path, "index")
	if m.Get("item") == nil {
		c.Error("F09", m, path.Key("item"), "name the key under which steps find the element",
			"is missing")
	}
}

// member reads the name of a key in the iteration's input.
func (c *compiler) member(m *yamldoc.Node, path *yamldoc.Path, key string) string {
	v := c.text(m, path, key)
	switch {
	case v == nil:
		return ""
	case v.Text == "":
		c.Error("F09", v, path.Key(key), "", "must not be empty")
	case strings.HasPrefix(v.Text, "$"):
		c.Warn(v, path.Key(key), "drop the $ and what follows it up to the name",
			"is a plain key, $ included")
	}
	return v.Text
}
