package expr

import "millrace/shared/value"

// logicNode is a chain of && or ||, evaluated from the left until a term decides the result.
type logicNode struct {
	terms        []node
	shortCircuit bool // the truth of a term that ends the evaluation
	operator     string
	dialect      *dialect
}

func (n *logicNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	for _, term := range n.terms {
		truth, err := truthOf(term, n.operator, n.dialect, env, b)
		if err != nil {
			return nil, err
		}
		if truth == n.shortCircuit {
			return truth, nil
		}
	}
	return !n.shortCircuit, nil
}

type notNode struct {
	operand node
	dialect *dialect
}

func (n *notNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	truth, err := truthOf(n.operand, "!", n.dialect, env, b)
	return !truth, err
}

// truthOf returns the truth of an operand of a logical operator.
func truthOf(operand node, operator string, d *dialect, env Env, b *Budget) (bool, error) {
	v, err := materialize(operand.eval(env, b))
	if err != nil {
		return false, err
	}
	truth, ok, err := d.truth(v, b)
	if !ok {
		err = failf("%s takes booleans, not %s", operator, kindOf(v))
	}
	return truth, err
}

// truthyV1 reports whether FlowV1 treats a value as true.
func truthyV1(v any, b *Budget) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		return v == "true" || v == "TRUE", nil
	case value.Number:
		zero, err := b.isZero(v)
		return !zero && err == nil, err
	}
	return false, nil
}

// negateNode is the prefix minus.
type negateNode struct {
	operand node
	dialect *dialect
}

// newNegate returns the negation of an operand; the negation of a constant number is a constant.
func newNegate(operand node, d *dialect) node {
	if c, ok := operand.(*constantNode); ok {
		if n, ok := c.value.(value.Number); ok {
			return &constantNode{negated(n)}
		}
	}
	return &negateNode{operand, d}
}

func (n *negateNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	v, err := materialize(n.operand.eval(env, b))
	if err != nil {
		return nil, err
	}
	if number, ok := v.(value.Number); ok {
		return negate(number, b)
	}
	return n.dialect.negateOther(v)
}

// negate negates a number on a budget. It fails if the minus makes the number too long.
func negate(n value.Number, b *Budget) (any, error) {
	if err := b.scan(len(n)); err != nil {
		return nil, err
	}
	m := negated(n)
	if len(m) > value.NumberMax {
		return nil, failf("the number is longer than %d characters", value.NumberMax)
	}
	return m, b.grow(numberBytes + len(m))
}

// negated works on the text, so that it loses no digit.
func negated(n value.Number) value.Number {
	switch {
	case n == "0":
		return n
	case n != "" && n[0] == '-':
		return n[1:]
	}
	return "-" + n
}
