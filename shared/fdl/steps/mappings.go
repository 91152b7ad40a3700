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
	fields := make([]expr.Field, len(items))
	for i, it := range items {
		c.keys(it.node, it.path, "target", "source")
		fields[i] = expr.Field{
			Name:  c.mappingTarget(it.node, it.path),
			Value: c.mappingSource(it.node, it.path, roots, token),
		}
	}
	return expr.ObjectOf(fields)
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

// mappingSource lowers a source; a missing one is null.
func (c *compiler) mappingSource(n *source.Node, path *source.Path, roots expr.Roots, token bool) *expr.Template {
	v := n.Get("source")
	switch {
	case v == nil:
		return expr.Constant(nil)
	case v.Kind != source.String || !isPath(v.Text):
		return expr.Constant(v.Value())
	}
	at := path.Key("source")
	if !token && strings.HasPrefix(v.Text, "$context.task") {
		c.Warn(v, at, "only a task with the pattern waitForCallback has a token", "selects nothing here")
	}
	return c.dynamic(v, at, roots)
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

// dynamic is a template of a path; after an error one that is good for nothing.
func (c *compiler) dynamic(n *source.Node, path *source.Path, roots expr.Roots) *expr.Template {
	if e := c.path(n, path, roots); e != nil {
		return expr.Dynamic(e)
	}
	return expr.Constant(nil)
}
