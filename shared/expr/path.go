package expr

import "millrace/shared/value"

// pathNode selects from a value in the StateMachine dialect. A missing member or element is an
// error.
type pathNode struct {
	base  node
	steps []selection
}

func (n *pathNode) eval(env Env, b *Budget) (any, error) {
	v, err := n.base.eval(env, b)
	for i := range n.steps {
		if err != nil {
			return nil, err
		}
		v, err = n.steps[i].from(v, env, b)
	}
	return v, err
}

// names returns the names of the members that the path selects first.
func (n *pathNode) names() (names []string) {
	for i := range n.steps {
		if n.steps[i].kind != memberSelection {
			break
		}
		names = append(names, n.steps[i].name)
	}
	return names
}

type selectionKind uint8

const (
	memberSelection  selectionKind = iota // by a constant name
	elementSelection                      // by a constant index
	keySelection                          // by the value of an expression
)

// selection is one step of a path.
type selection struct {
	kind  selectionKind
	index int
	name  string
	key   node
	of    string // the text of what it selects from, for messages
}

// newSelection returns the selection by a key in brackets.
func newSelection(key node) selection {
	if c, ok := key.(*constantNode); ok {
		switch k := c.value.(type) {
		case string:
			return selection{kind: memberSelection, name: k}
		case value.Number:
			if i, ok := value.Int(k); ok && i >= 0 && int64(int(i)) == i {
				return selection{kind: elementSelection, index: int(i)}
			}
		}
	}
	return selection{kind: keySelection, key: key}
}

func (s *selection) from(v any, env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	switch s.kind {
	case memberSelection:
		return member(v, s.name, s.of, b)
	case elementSelection:
		return element(v, s.index, s.of)
	}
	key, err := materialize(s.key.eval(env, b))
	if err != nil {
		return nil, err
	}
	return selected(v, key, s.of, b)
}

// selected returns the member or the element of v that a computed key names. of is the text of v.
func selected(v, key any, of string, b *Budget) (any, error) {
	switch key := key.(type) {
	case string:
		return member(v, key, of, b)
	case value.Number:
		i, ok, err := b.integer(key)
		if err != nil {
			return nil, err
		}
		if !ok || int64(int(i)) != i {
			return nil, failf("%s is no index", clipped(string(key)))
		}
		return element(v, int(i), of)
	}
	return nil, failf("%s selects nothing: a key is a string or an integer", kindOf(key))
}

// member returns a member of an object.
func member(v any, name, of string, b *Budget) (any, error) {
	var found bool
	var m any
	var err error
	switch o := v.(type) {
	case map[string]any:
		m, found, err = b.lookUp(o, name)
	case Object:
		m, found, err = o.Member(name)
	default:
		return nil, failf("%s is %s and has no member %s", value.Quote(of), kindOf(v),
			value.Quote(name))
	}
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, failf("%s has no member %s", value.Quote(of), value.Quote(name))
	}
	return m, nil
}

// element returns an element of an array.
func element(v any, index int, of string) (any, error) {
	array, ok := v.([]any)
	switch {
	case !ok:
		return nil, failf("%s is %s and has no element %d", value.Quote(of), kindOf(v), index)
	case index < 0:
		return nil, failf("the index %d is negative", index)
	case index >= len(array):
		return nil, failf("%s has %d elements and none at index %d", value.Quote(of), len(array),
			index)
	}
	return array[index], nil
}
