package statemachine

import (
	"math"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// list returns a field that must be a list, or nil after an error.
func (c *compiler) list(
	rule string, n *yamldoc.Node, path *yamldoc.Path, key string,
) *yamldoc.Node {
	v := n.Get(key)
	switch {
	case v == nil:
		c.Error(rule, n, path.Key(key), "", "is missing")
	case v.Kind != yamldoc.List:
		c.Error(rule, v, path.Key(key), "", "must be a list, not %s", v.Kind)
		v = nil
	}
	return v
}

// choice compiles Branches and Default.
func (c *compiler) choice(n *yamldoc.Node, path *yamldoc.Path, s *scope) *flow.ChoiceSpec {
	spec := &flow.ChoiceSpec{Default: flow.Option{Next: flow.End}}
	if d := n.Get("Default"); d == nil {
		c.Error("V11", n, path.Key("Default"), "name the state to go to when no condition is true",
			"is missing")
	} else {
		spec.Default.Next, _ = c.target("V08", d, path.Key("Default"), s)
	}
	list := c.list("V11", n, path, "Branches")
	if list == nil {
		return spec
	}
	if len(list.Items) == 0 {
		c.Error("V11", list, path.Key("Branches"), "", "must have at least one branch")
	}
	spec.Options = make([]flow.Option, len(list.Items))
	for i, item := range list.Items {
		spec.Options[i] = c.option(item, path.Key("Branches").Item(i, ""), s)
	}
	return spec
}

var optionFields = []string{"Condition", "Next", "Description", "Name"}

func (c *compiler) option(n *yamldoc.Node, path *yamldoc.Path, s *scope) flow.Option {
	o := flow.Option{Next: flow.End}
	if n.Kind != yamldoc.Map {
		c.Error("V11", n, path, "", "must be a mapping with Condition and Next, not %s", n.Kind)
		return o
	}
	c.unknownFields(n, path, optionFields)
	if next := n.Get("Next"); next == nil {
		c.Error("V11", n, path.Key("Next"), "", "is missing")
	} else {
		o.Next, _ = c.target("V08", next, path.Key("Next"), s)
	}
	condition := n.Get("Condition")
	switch {
	case condition == nil && n.Get("Condition.$") != nil:
		c.Error("V11", n, path.Key("Condition"),
			"a condition is always an expression: write it without the suffix", "is missing")
	case condition == nil:
		c.Error("V11", n, path.Key("Condition"), "", "is missing")
	case condition.Kind != yamldoc.String:
		c.Error("V11", condition, path.Key("Condition"), "put the expression in quotes",
			"must be a string, not %s", condition.Kind)
	default:
		o.Condition = c.expression(condition, path.Key("Condition"), rootsInput)
	}
	return o
}

var scopeFields = []string{"StartAt", "States", "Name", "Description"}

// parallel compiles the branches.
func (c *compiler) parallel(n *yamldoc.Node, path *yamldoc.Path, s *scope) []*flow.Scope {
	list := c.list("V16", n, path, "Branches")
	if list == nil {
		return nil
	}
	if branchesMax := c.limits.ParallelBranches; len(list.Items) == 0 ||
		len(list.Items) > branchesMax {
		c.Error("V16", list, path.Key("Branches"), "", "must have 1 to %d branches, not %d",
			branchesMax, len(list.Items))
	}
	branches := make([]*flow.Scope, len(list.Items))
	for i, item := range list.Items {
		branches[i] = c.inner("V16", item, path.Key("Branches").Item(i, ""),
			&scope{mode: s.mode, outer: s, owner: nameOf(n), what: "branch"})
	}
	return branches
}

// inner compiles a branch or a processor.
func (c *compiler) inner(
	rule string, n *yamldoc.Node, path *yamldoc.Path, s *scope,
) *flow.Scope {
	if n.Kind != yamldoc.Map {
		c.Error(rule, n, path, "", "must be a mapping with StartAt and States, not %s", n.Kind)
		return &flow.Scope{}
	}
	c.unknownFields(n, path, scopeFields)
	return c.scope(n, path, s)
}

// mapState compiles a Map.
func (c *compiler) mapState(n *yamldoc.Node, path *yamldoc.Path, s *scope) *flow.MapSpec {
	spec := &flow.MapSpec{Concurrency: c.concurrency(n, path)}
	items := n.Get("ItemsPath")
	switch {
	case items == nil && n.Get("ItemReader") != nil && n.Get("ProcessorConfig") != nil:
	case items == nil && n.Get("ItemsPath.$") != nil:
		c.Error("V17", n, path.Key("ItemsPath"),
			"ItemsPath is always an expression: write it without the suffix", "is missing")
	case items == nil:
		c.Error("V17", n, path.Key("ItemsPath"), "", "is missing")
	case items.Kind != yamldoc.String:
		c.Error("V17", items, path.Key("ItemsPath"),
			"write an expression that gives an array, like $Input.items",
			"must be a string, not %s", items.Kind)
	default:
		spec.Items = c.expression(items, path.Key("ItemsPath"), rootsInput)
	}
	mode := c.distributed(n, path, spec, s.mode)
	if p := n.Get("Processor"); p == nil {
		c.Error("V17", n, path.Key("Processor"), "", "is missing")
	} else {
		spec.Processor = c.inner("V17", p, path.Key("Processor"),
			&scope{mode: mode, outer: s, owner: nameOf(n), what: "iteration"})
	}
	return spec
}

// concurrency reads MaxConcurrency in both spellings; the right one wins.
func (c *compiler) concurrency(n *yamldoc.Node, path *yamldoc.Path) int {
	for _, key := range [...]string{"MaxConcurrency", "MaxConcuccency"} {
		v := n.Get(key)
		if v == nil {
			continue
		}
		i, ok := v.Int()
		if !ok || i < 0 {
			c.Error("V17", v, path.Key(key), "0 means the default", "must be an integer from 0")
			return 0
		}
		return int(min(i, math.MaxInt32))
	}
	return 0
}

// suffixedExpression compiles an expression under a suffixed field.
func (c *compiler) suffixedExpression(n *yamldoc.Node, path *yamldoc.Path,
	roots expr.Roots) *expr.Template {
	if n.Kind != yamldoc.String {
		c.Error("V15", n, path, "", "a key with the suffix .$ needs an expression, not %s", n.Kind)
		return nil
	}
	return c.dynamic(n, path, roots)
}
