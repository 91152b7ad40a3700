package statemachine

import (
	"math"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// retryDelayMax is the maximum of IntervalSeconds and MaxBackoffSeconds.
const retryDelayMax = 86400

var (
	retryFields = []string{"Errors", "Description", "MaxAttempts", "IntervalSeconds", "BackoffRate",
		"MaxBackoffSeconds"}
	catchFields = []string{"Errors", "Description", "OutputConstructor", "Next"}
)

// rules compiles Retry and Catch.
func (c *compiler) rules(n *yamldoc.Node, path *yamldoc.Path, k *kind, s *scope, st *flow.State) {
	for _, r := range c.ruleList(n, path, "Retry", k) {
		st.Retry = append(st.Retry, c.retry(r.node, r.path))
	}
	for _, r := range c.ruleList(n, path, "Catch", k) {
		st.Catch = append(st.Catch, c.catch(r.node, r.path, s))
	}
}

type rule struct {
	node *yamldoc.Node
	path *yamldoc.Path
}

// ruleList returns the rules that are mappings.
func (c *compiler) ruleList(n *yamldoc.Node, path *yamldoc.Path, key string, k *kind) []rule {
	v := n.Get(key)
	if v == nil || v.Kind == yamldoc.List && len(v.Items) == 0 {
		return nil
	}
	at := path.Key(key)
	if !k.handlesErrors {
		c.Error("V21", v, at, "put the state into a Parallel with one branch to handle its errors",
			"only Task, Parallel and Map have %s", key)
	}
	if v.Kind != yamldoc.List {
		c.Error("V21", v, at, "", "must be a list of rules, not %s", v.Kind)
		return nil
	}
	rules := make([]rule, 0, len(v.Items))
	for i, item := range v.Items {
		if item.Kind != yamldoc.Map {
			c.Error("V21", item, at.Item(i, ""), "", "must be a mapping, not %s", item.Kind)
			continue
		}
		rules = append(rules, rule{item, at.Item(i, "")})
	}
	return rules
}

// errors reads the names that a rule matches.
func (c *compiler) errors(n *yamldoc.Node, path *yamldoc.Path) []string {
	v := n.Get("Errors")
	switch {
	case v == nil:
		c.Error("V21", n, path.Key("Errors"), "FnF.ALL matches every error", "is missing")
		return nil
	case v.Kind != yamldoc.List || len(v.Items) == 0:
		c.Error("V21", v, path.Key("Errors"), "FnF.ALL matches every error",
			"must be a list of at least one error name")
		return nil
	}
	names := make([]string, 0, len(v.Items))
	for i, item := range v.Items {
		if item.Kind != yamldoc.String || item.Text == "" {
			c.Error("V21", item, path.Key("Errors").Item(i, ""), "",
				"must be an error name, not %s", item.Kind)
			continue
		}
		c.lint.Error(item, path.Key("Errors").Item(i, ""))
		names = append(names, item.Text)
	}
	return names
}

func (c *compiler) retry(n *yamldoc.Node, path *yamldoc.Path) flow.Retry {
	c.unknownFields(n, path, retryFields)
	return flow.Retry{
		Errors:      c.errors(n, path),
		AttemptsMax: int(c.integer(n, path, "MaxAttempts", 3, math.MaxInt32)),
		Interval:    c.integer(n, path, "IntervalSeconds", 1, retryDelayMax),
		Rate:        c.rate(n, path),
		IntervalMax: c.integer(n, path, "MaxBackoffSeconds", retryDelayMax, retryDelayMax),
	}
}

// integer reads a number of a Retry rule, from 0 to valueMax.
func (c *compiler) integer(n *yamldoc.Node, path *yamldoc.Path, key string, def,
	valueMax int64) int64 {
	v := n.Get(key)
	if v == nil {
		return def
	}
	i, ok := v.Int()
	if !ok || i < 0 || i > valueMax {
		c.Error("V21", v, path.Key(key), "", "must be an integer from 0 to %d", valueMax)
		return def
	}
	return i
}

func (c *compiler) rate(n *yamldoc.Node, path *yamldoc.Path) float64 {
	v := n.Get("BackoffRate")
	if v == nil {
		return 1
	}
	rate, err := strconv.ParseFloat(v.Text, 64)
	if v.Kind != yamldoc.Number || err != nil || rate < 1 {
		c.Error("V21", v, path.Key("BackoffRate"), "", "must be a number of at least 1")
		return 1
	}
	return rate
}

func (c *compiler) catch(n *yamldoc.Node, path *yamldoc.Path, s *scope) flow.Catch {
	c.unknownFields(n, path, catchFields)
	out := flow.Catch{
		Errors: c.errors(n, path),
		Output: c.constructor(n, path, "OutputConstructor", rootsInput),
		Next:   flow.End,
	}
	if next := n.Get("Next"); next == nil {
		c.Error("V21", n, path.Key("Next"), "", "is missing")
	} else {
		out.Next, _ = c.target("V08", next, path.Key("Next"), s)
	}
	return out
}
