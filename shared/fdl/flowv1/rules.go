package flowv1

import (
	"math"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// retryDelayMax is the maximum of intervalSeconds and maxIntervalSeconds.
const retryDelayMax = 86400

func (c *compiler) retries(n *yamldoc.Node, path *yamldoc.Path) []flow.Retry {
	items := c.items(n, path, "retry")
	if len(items) == 0 {
		return nil
	}
	rules := make([]flow.Retry, len(items))
	for i, it := range items {
		c.keys(it.node, it.path, "errors", "intervalSeconds", "maxIntervalSeconds", "maxAttempts",
			"multiplier")
		rules[i] = flow.Retry{
			Errors:      c.errors(it.node, it.path),
			AttemptsMax: int(c.number(it.node, it.path, "maxAttempts", 3, math.MaxInt32)),
			Interval:    c.number(it.node, it.path, "intervalSeconds", 1, retryDelayMax),
			Rate:        c.multiplier(it.node, it.path),
			IntervalMax: c.number(it.node, it.path, "maxIntervalSeconds", retryDelayMax,
				retryDelayMax),
		}
	}
	return rules
}

func (c *compiler) number(n *yamldoc.Node, path *yamldoc.Path, key string, def,
	valueMax int64) int64 {
	v := n.Get(key)
	if v == nil {
		return def
	}
	return c.integer("F06", v, path.Key(key), 0, valueMax)
}

func (c *compiler) multiplier(n *yamldoc.Node, path *yamldoc.Path) float64 {
	v := c.typed(n, path, "multiplier", yamldoc.Number)
	if v == nil {
		return 2
	}
	rate, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || rate <= 0 {
		c.Error("F06", v, path.Key("multiplier"), "", "must be a positive number")
		return 2
	}
	return rate
}

func (c *compiler) catches(n *yamldoc.Node, path *yamldoc.Path, s *siblings) []flow.Catch {
	items := c.items(n, path, "catch")
	if len(items) == 0 {
		return nil
	}
	rules := make([]flow.Catch, len(items))
	for i, it := range items {
		if it.node.Get("steps") != nil {
			c.Error("F03", it.node.Get("steps"), it.path.Key("steps"),
				"put the steps into the list and name the first in goto",
				"steps inside a catch entry are not supported")
		}
		c.keys(it.node, it.path, "errors", "goto", "steps")
		if it.node.Get("goto") == nil {
			c.Error("F06", it.node, it.path.Key("goto"), "", "is missing")
		}
		rules[i] = flow.Catch{Errors: c.errors(it.node, it.path),
			Next: c.target(it.node, it.path, s, flow.End)}
	}
	return rules
}

// errors reads the names that a rule matches.
func (c *compiler) errors(n *yamldoc.Node, path *yamldoc.Path) []string {
	const hint = "FnF.ALL matches every error"
	list := c.typed(n, path, "errors", yamldoc.List)
	if list == nil || len(list.Items) == 0 {
		if v := n.Get("errors"); v == nil || v.Kind == yamldoc.List {
			c.Error("F06", or(v, n), path.Key("errors"), hint, "must have at least one error name")
		}
		return nil
	}
	names := make([]string, 0, len(list.Items))
	for i, item := range list.Items {
		at := path.Key("errors").Item(i, "")
		if item.Kind != yamldoc.String {
			c.Error("F03", item, at, "", "must be an error name, not %s", item.Kind)
			continue
		}
		c.lint.Error(item, at)
		names = append(names, item.Text)
	}
	return names
}
