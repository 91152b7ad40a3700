package statemachine

import (
	"millrace/shared/expr"
	"millrace/shared/yamldoc"
)

// constructor compiles a constructor: a mapping of constants and suffixed expressions. It returns
// nil if there is none.
func (c *compiler) constructor(n *yamldoc.Node, path *yamldoc.Path, key string,
	roots expr.Roots) *expr.Template {
	v := n.Get(key)
	if v == nil {
		return nil
	}
	return c.template(v, path.Key(key), roots)
}

// template compiles a constructor or Parameters.
func (c *compiler) template(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots) *expr.Template {
	if n.Kind != yamldoc.Map {
		c.Error("V15", n, path, "", "must be a mapping, not %s", n.Kind)
		return nil
	}
	return c.object(n, path, roots, false)
}

// value compiles one value. lenient is set inside a mapping or list under a suffixed key: there, a
// string that starts with the name of a root is an expression.
func (c *compiler) value(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots,
	lenient bool) *expr.Template {
	switch n.Kind {
	case yamldoc.Map:
		return c.object(n, path, roots, lenient)
	case yamldoc.List:
		items := make([]*expr.Template, len(n.Items))
		for i, item := range n.Items {
			at := path.Item(i, "")
			if !lenient {
				c.constant(item, at, "put the list under a key with the suffix .$")
			}
			items[i] = c.value(item, at, roots, lenient)
		}
		return expr.ArrayOf(items)
	case yamldoc.String:
		if lenient && startsWithRoot(n.Text) {
			return c.dynamic(n, path, roots)
		}
	}
	return expr.Constant(n.Value())
}

func (c *compiler) object(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots,
	lenient bool) *expr.Template {
	fields := make([]expr.Field, len(n.Fields))
	plain := plainKeys(n)
	for i := range n.Fields {
		name, _ := unsuffix(n.Fields[i].Key)
		fields[i] = expr.Field{Name: name, Value: c.member(&n.Fields[i], plain, path, roots,
			lenient)}
	}
	return expr.ObjectOf(fields)
}

// plainKeys returns the set of keys without the suffix; nil if no key has the suffix.
func plainKeys(n *yamldoc.Node) map[string]struct{} {
	suffixed := false
	for i := range n.Fields {
		if _, ok := unsuffix(n.Fields[i].Key); ok {
			suffixed = true
			break
		}
	}
	if !suffixed {
		return nil
	}
	keys := make(map[string]struct{}, len(n.Fields))
	for i := range n.Fields {
		if _, ok := unsuffix(n.Fields[i].Key); !ok {
			keys[n.Fields[i].Key] = struct{}{}
		}
	}
	return keys
}

// member compiles one member of an object.
func (c *compiler) member(f *yamldoc.Field, plain map[string]struct{}, path *yamldoc.Path,
	roots expr.Roots, lenient bool) *expr.Template {
	name, suffixed := unsuffix(f.Key)
	at := path.Key(f.Key)
	if !suffixed {
		if !lenient {
			c.constant(f.Value, at, "an expression needs the key "+cut(f.Key)+suffix)
		}
		return c.value(f.Value, at, roots, lenient)
	}
	if name == "" {
		c.ErrorKey("V18", f, at, "write the member's name before .$",
			"a key must not be the suffix alone")
	} else if _, both := plain[name]; both {
		c.suffixConflict(f, path, name)
	}
	switch f.Value.Kind {
	case yamldoc.String:
		return c.dynamic(f.Value, at, roots)
	case yamldoc.Map, yamldoc.List:
		return c.value(f.Value, at, roots, true)
	}
	c.Error("V15", f.Value, at, "drop the suffix for a constant",
		"a key with the suffix .$ needs an expression, not %s", f.Value.Kind)
	return expr.Constant(nil)
}
