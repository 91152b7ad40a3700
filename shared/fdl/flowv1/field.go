package flowv1

import (
	"unicode/utf8"

	"millrace/shared/yamldoc"
)

// keys rejects unknown keys of a mapping.
func (c *compiler) keys(n *yamldoc.Node, path *yamldoc.Path, known ...string) {
	for i := range n.Fields {
		if f := &n.Fields[i]; !contains(known, f.Key) {
			c.ErrorKey("F03", f, path.Key(f.Key), c.Suggest(f.Key, known), "unknown key")
		}
	}
}

// typed returns a member of the given kind. It returns nil if the member is missing, or after an
// error if it has another kind.
func (c *compiler) typed(n *yamldoc.Node, path *yamldoc.Path, key string,
	kind yamldoc.Kind) *yamldoc.Node {
	v := n.Get(key)
	if v == nil || v.Kind == kind {
		return v
	}
	hint := ""
	if kind == yamldoc.String && (v.Kind == yamldoc.Number || v.Kind == yamldoc.Bool) {
		hint = "put it in quotes"
	}
	c.Error("F03", v, path.Key(key), hint, "must be %s, not %s", kind, v.Kind)
	return nil
}

func (c *compiler) text(n *yamldoc.Node, path *yamldoc.Path, key string) *yamldoc.Node {
	return c.typed(n, path, key, yamldoc.String)
}

// mapping reports whether an item of a list is a mapping, and adds an error if it is not. The items
// of all lists except error names are mappings.
func (c *compiler) mapping(n *yamldoc.Node, path *yamldoc.Path) bool {
	if n.Kind == yamldoc.Map {
		return true
	}
	c.Error("F03", n, path, "", "must be a mapping, not %s", n.Kind)
	return false
}

// items returns the mappings of a list with their paths; none if the list is missing.
func (c *compiler) items(n *yamldoc.Node, path *yamldoc.Path, key string) []item {
	list := c.typed(n, path, key, yamldoc.List)
	if list == nil {
		return nil
	}
	items := make([]item, 0, len(list.Items))
	for i, node := range list.Items {
		at := path.Key(key).Item(i, "")
		if c.mapping(node, at) {
			items = append(items, item{node, at})
		}
	}
	return items
}

type item struct {
	node *yamldoc.Node
	path *yamldoc.Path
}

// integer reads an integer from valueMin to valueMax. It returns valueMin after an error.
func (c *compiler) integer(rule string, n *yamldoc.Node, path *yamldoc.Path, valueMin,
	valueMax int64) int64 {
	i, ok := n.Int()
	switch {
	case n.Kind != yamldoc.Number:
		c.Error("F03", n, path, "", "must be an integer, not %s", n.Kind)
	case !ok || i < valueMin || i > valueMax:
		c.Error(rule, n, path, "", "must be an integer from %d to %d", valueMin, valueMax)
	default:
		return i
	}
	return valueMin
}

// cut shortens a text of the definition for a message.
func cut(s string) string {
	const lengthMax = 64
	if utf8.RuneCountInString(s) <= lengthMax {
		return s
	}
	return string([]rune(s)[:lengthMax]) + "…"
}
