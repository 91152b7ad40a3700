package expr

// node is a part of a parsed expression. Its value may be an Object; a caller that needs all of it
// wraps eval in materialize.
type node interface {
	eval(env Env, b *Budget) (any, error)
}

// constantNode is a constant.
type constantNode struct{ value any }

func (n *constantNode) eval(_ Env, b *Budget) (any, error) { return n.value, b.step(1) }

// rootNode is a root of the StateMachine dialect.
type rootNode struct {
	root Root
	name string
}

func (n *rootNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	v, err := env.Root(n.root)
	if err != nil {
		return nil, err
	}
	if _, absent := v.(Absent); absent {
		return nil, failf("%s does not exist here", n.name)
	}
	return v, nil
}

// arrayNode is an array literal.
type arrayNode struct{ items []node }

// newArray returns an array literal; an array of constants is a constant.
func newArray(items []node) node {
	constant := make([]any, len(items))
	for i, item := range items {
		c, ok := item.(*constantNode)
		if !ok {
			return &arrayNode{items}
		}
		constant[i] = c.value
	}
	return &constantNode{constant}
}

func (n *arrayNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	return evalAll(n.items, env, b)
}

// evalAll returns the values of nodes. In an array, an absent value (FlowV1) is null.
func evalAll(nodes []node, env Env, b *Budget) ([]any, error) {
	values, err := b.array(len(nodes))
	if err != nil {
		return nil, err
	}
	for _, item := range nodes {
		v, err := materialize(item.eval(env, b))
		if err != nil {
			return nil, err
		}
		if _, absent := v.(Absent); absent {
			v = nil
		}
		values = append(values, v)
	}
	return values, nil
}

// objectNode is an object literal. A later member replaces an earlier member of the same name.
type objectNode struct{ members []memberNode }

type memberNode struct{ key, value node }

// newObject returns an object literal; an object of constants is a constant.
func newObject(members []memberNode) node {
	constant := make(map[string]any, len(members))
	for _, m := range members {
		key, isConstant := m.key.(*constantNode)
		v, valueToo := m.value.(*constantNode)
		if !isConstant || !valueToo {
			return &objectNode{members}
		}
		name, ok := key.value.(string)
		if !ok {
			return &objectNode{members} // fails when it is evaluated
		}
		constant[name] = v.value
	}
	return &constantNode{constant}
}

func (n *objectNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	object, err := b.object(len(n.members))
	if err != nil {
		return nil, err
	}
	for _, m := range n.members {
		key, err := materialize(m.key.eval(env, b))
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, failf("the key of an object must be a string, not %s", kindOf(key))
		}
		if err := b.scan(len(name)); err != nil {
			return nil, err
		}
		if object[name], err = materialize(m.value.eval(env, b)); err != nil {
			return nil, err
		}
	}
	return object, nil
}
