package flowv1

import (
	"strings"

	"millrace/shared/expr"
	"millrace/shared/yamldoc"
)

// The roots of mappings.
const (
	rootsMapping = expr.Input | expr.Local | expr.Context | expr.Default
	rootsError   = expr.Input | expr.Local | expr.Context
)

// mappings compiles a list of target and source to an object template. It returns nil if there are
// no mappings.
func (c *compiler) mappings(n *yamldoc.Node, path *yamldoc.Path, key string, roots expr.Roots,
	at mappingContext) *expr.Template {
	items := c.items(n, path, key)
	if len(items) == 0 {
		return nil
	}
	fields := make([]expr.Field, len(items))
	for i, it := range items {
		c.keys(it.node, it.path, "target", "source")
		fields[i] = expr.Field{
			Name:  c.mappingTarget(it.node, it.path),
			Value: c.mappingSource(it.node, it.path, roots, at),
		}
	}
	return expr.ObjectOf(fields)
}

func (c *compiler) mappingTarget(n *yamldoc.Node, path *yamldoc.Path) string {
	v := c.text(n, path, "target")
	switch {
	case v == nil && n.Get("target") == nil:
		c.Error("F03", n, path.Key("target"), "", "is missing")
	case v == nil:
	case strings.HasPrefix(v.Text, "$"):
		c.Warn(v, path.Key("target"), "write the key alone", "is a plain key, $ included")
		return v.Text
	default:
		return v.Text
	}
	return ""
}

// mappingSource compiles a source; a missing source is null.
func (c *compiler) mappingSource(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots,
	p mappingContext) *expr.Template {
	v := n.Get("source")
	if v == nil {
		return expr.Constant(nil)
	}
	at := path.Key("source")
	if v.Kind != yamldoc.String || !isPath(v.Text) {
		c.literal(v, at, false)
		return expr.Constant(v.Value())
	}
	if hint := p.selectsNothing(v.Text); hint != "" {
		c.Warn(v, at, hint, "selects nothing here")
	}
	return c.dynamic(v, at, roots)
}

// literal warns of a constant that may be meant as a path: one inside an object or a list, or one
// that begins like a root that does not exist.
func (c *compiler) literal(n *yamldoc.Node, path *yamldoc.Path, inside bool) {
	switch n.Kind {
	case yamldoc.Map:
		for i := range n.Fields {
			c.literal(n.Fields[i].Value, path.Key(n.Fields[i].Key), true)
		}
	case yamldoc.List:
		for i, item := range n.Items {
			c.literal(item, path.Item(i, ""), true)
		}
	case yamldoc.String:
		if inside && isPath(n.Text) {
			c.Warn(n, path, "a path must be the whole source",
				"is a constant, its text is not evaluated")
		} else if root := rootAt(n.Text); root != "" && !inside {
			c.Warn(n, path, c.Suggest(root, rootNames), "is a constant, its text is not evaluated")
		}
	}
}

// rootNames are the suggestions for misspelt roots.
var rootNames = []string{"$input", "$local", "$context"}

// rootAt returns the `$name` at the start of a text, before a dot, a bracket or the end, or "".
func rootAt(text string) string {
	end := 1
	for end < len(text) && (text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z') {
		end++
	}
	if end < 2 || text[0] != '$' || end < len(text) && text[end] != '.' && text[end] != '[' {
		return ""
	}
	return text[:end]
}

// isPath reports whether a string in a mapping is a path: the name of a root, alone or followed by
// a dot or a bracket.
func isPath(s string) bool {
	for _, root := range [...]string{"$input", "$local", "$context", "$"} {
		if rest, ok := strings.CutPrefix(s, root); ok &&
			(rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// path parses a path. It returns nil after an error.
func (c *compiler) path(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots) *expr.Expr {
	e, err := expr.ParsePath(n.Text, roots)
	if err == nil {
		return e
	}
	hint := ""
	if _, other := expr.ParsePath(n.Text, rootsMapping); other == nil {
		hint = "here a path starts with $"
		if roots == rootsError {
			hint = "here a path starts with $local, $input or $context"
		}
	}
	c.ErrorIn("F08", n, err.Offset, path, hint, "%s", err.Error())
	return nil
}

// dynamic returns the template of a path; after an error a placeholder.
func (c *compiler) dynamic(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots) *expr.Template {
	if e := c.path(n, path, roots); e != nil {
		return expr.Dynamic(e)
	}
	return expr.Constant(nil)
}
