package steps

import (
	"strings"

	"millrace/shared/expr"
	"millrace/shared/fdl/source"
)

// The roots of mappings.
const (
	rootsMapping = expr.Input | expr.Local | expr.Context | expr.Default
	rootsError   = expr.Input | expr.Local | expr.Context
)

// mappings lowers a list of target and source to an object template; nil without mappings. token tells whether
// $context.task.token has a value here.
func (c *compiler) mappings(n *source.Node, path *source.Path, key string, roots expr.Roots, token bool) *expr.Template {
	items := c.items(n, path, key)
	if len(items) == 0 {
		return nil
	}
	fields := make([]expr.Field, 0, len(items))
	constant := true
	for _, it := range items {
		c.keys(it.node, it.path, "target", "source")
		target := c.mappingTarget(it.node, it.path)
		value, dynamic := c.mappingSource(it.node, it.path, roots, token)
		constant = constant && !dynamic
		fields = append(fields, expr.Field{Name: target, Value: value})
	}
	if !constant {
		return expr.ObjectOf(fields)
	}
	object := make(map[string]any, len(fields))
	for i, it := range items {
		object[fields[i].Name] = sourceValue(it.node)
	}
	return expr.Constant(object)
}

func (c *compiler) mappingTarget(n *source.Node, path *source.Path) string {
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

// mappingSource lowers a source and tells whether it is a path.
func (c *compiler) mappingSource(n *source.Node, path *source.Path, roots expr.Roots, token bool) (*expr.Template, bool) {
	v := n.Get("source")
	if v == nil || v.Kind != source.String || !isPath(v.Text) {
		return expr.Constant(sourceValue(n)), false
	}
	at := path.Key("source")
	if !token && strings.HasPrefix(v.Text, "$context.task") {
		c.Warn(v, at, "only a task with the pattern waitForCallback has a token", "selects nothing here")
	}
	return c.dynamic(v, at, roots), true
}

// sourceValue is the constant value of a mapping's source; a missing one is null.
func sourceValue(n *source.Node) any {
	if v := n.Get("source"); v != nil {
		return v.Value()
	}
	return nil
}

// isPath tells whether a string in a mapping selects something: a root name, or one followed by a dot or a
// bracket.
func isPath(s string) bool {
	for _, root := range [...]string{"$input", "$local", "$context", "$"} {
		if rest, ok := strings.CutPrefix(s, root); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// path parses a path; nil after an error.
func (c *compiler) path(n *source.Node, path *source.Path, roots expr.Roots) *expr.Expr {
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

func (c *compiler) dynamic(n *source.Node, path *source.Path, roots expr.Roots) *expr.Template {
	e := c.path(n, path, roots)
	if e == nil {
		return nil
	}
	return expr.Dynamic(e)
}
