package steps

import (
	"unicode/utf8"

	"millrace/shared/fdl/source"
)

// keys refuses the keys of a mapping that are not known.
func (c *compiler) keys(n *source.Node, path *source.Path, known ...string) {
	for i := range n.Fields {
		if f := &n.Fields[i]; !contains(known, f.Key) {
			c.ErrorKey("F03", f, path.Key(f.Key), c.Suggest(f.Key, known), "unknown key")
		}
	}
}

// typed gives a member of a kind; nil when it is missing, or after an error when it is of another.
func (c *compiler) typed(n *source.Node, path *source.Path, key string, kind source.Kind) *source.Node {
	v := n.Get(key)
	if v == nil || v.Kind == kind {
		return v
	}
	hint := ""
	if kind == source.String && (v.Kind == source.Number || v.Kind == source.Bool) {
		hint = "put it in quotes"
	}
	c.Error("F03", v, path.Key(key), hint, "must be %s, not %s", kind, v.Kind)
	return nil
}

func (c *compiler) text(n *source.Node, path *source.Path, key string) *source.Node {
	return c.typed(n, path, key, source.String)
}

// mapping tells whether an item of a list is a mapping, which all items but error names are.
func (c *compiler) mapping(n *source.Node, path *source.Path) bool {
	if n.Kind == source.Map {
		return true
	}
	c.Error("F03", n, path, "", "must be a mapping, not %s", n.Kind)
	return false
}

// items gives the mappings of a list, with their paths; nothing when it is missing.
func (c *compiler) items(n *source.Node, path *source.Path, key string) []item {
	list := c.typed(n, path, key, source.List)
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
	node *source.Node
	path *source.Path
}

// integer reads an integer from least to most; least after an error.
func (c *compiler) integer(rule string, n *source.Node, path *source.Path, valueMin, valueMax int64) int64 {
	i, ok := n.Int()
	switch {
	case n.Kind != source.Number:
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
	const most = 64
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
