package flowv1

import (
	"strings"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// wait compiles duration or timestamp.
func (c *compiler) wait(n *yamldoc.Node, path *yamldoc.Path) *flow.WaitSpec {
	duration, timestamp := n.Get("duration"), n.Get("timestamp")
	switch {
	case duration == nil && timestamp == nil:
		c.Error("F07", n, path, "", "needs duration or timestamp")
	case duration != nil && timestamp != nil:
		c.Error("F07", n, path, "keep one of the two", "has both duration and timestamp")
	case duration != nil:
		return &flow.WaitSpec{Seconds: c.duration(duration, path.Key("duration"))}
	default:
		return &flow.WaitSpec{Until: c.timestamp(timestamp, path.Key("timestamp"))}
	}
	return nil
}

func (c *compiler) duration(n *yamldoc.Node, path *yamldoc.Path) *expr.Template {
	if n.Kind == yamldoc.String {
		if strings.HasPrefix(n.Text, "$") {
			return c.dynamic(n, path, expr.Default)
		}
		c.Error("F07", n, path, "write a number without quotes, or a path like $.seconds",
			"must be an integer or a path")
		return nil
	}
	c.integer("F07", n, path, 0, c.limits.WaitSecondsV1)
	return expr.Constant(n.Value())
}

func (c *compiler) timestamp(n *yamldoc.Node, path *yamldoc.Path) *expr.Template {
	if n.Kind != yamldoc.String {
		c.Error("F03", n, path, "", "must be a string, not %s", n.Kind)
		return nil
	}
	if strings.HasPrefix(n.Text, "$") {
		return c.dynamic(n, path, expr.Default)
	}
	if _, err := flow.ParseTime(n.Text); err != nil {
		c.Error("F07", n, path, "", "must be a time like 2019-05-02T15:04:05Z, or a path like $.at")
	}
	return expr.Constant(n.Text)
}
