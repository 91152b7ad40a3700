package expr

import "millrace/shared/value"

type comparator uint8

const (
	isEqual comparator = iota
	isUnequal
	isLess
	isLessOrEqual
	isGreater
	isGreaterOrEqual
	isIn
)

var comparators = map[string]comparator{
	"==": isEqual, "!=": isUnequal, "<": isLess, "<=": isLessOrEqual, ">": isGreater,
	">=": isGreaterOrEqual,
	"in": isIn,
}

// holds reports whether the comparator accepts an order as returned by Compare.
func (c comparator) holds(order int) bool {
	switch c {
	case isLess:
		return order < 0
	case isLessOrEqual:
		return order <= 0
	case isGreater:
		return order > 0
	}
	return order >= 0
}

// compareNode is a comparison of the StateMachine dialect.
type compareNode struct {
	left, right node
	op          comparator
}

// operands evaluates both sides.
func (n *compareNode) operands(env Env, b *Budget) (left, right any, err error) {
	if err = b.step(1); err != nil {
		return nil, nil, err
	}
	if left, err = materialize(n.left.eval(env, b)); err != nil {
		return nil, nil, err
	}
	right, err = materialize(n.right.eval(env, b))
	return left, right, err
}

func (n *compareNode) eval(env Env, b *Budget) (any, error) {
	left, right, err := n.operands(env, b)
	if err != nil {
		return nil, err
	}
	switch n.op {
	case isEqual, isUnequal:
		same, err := equalConverted(left, right, b)
		return same == (n.op == isEqual), err
	case isIn:
		return contained(left, right, b)
	}
	order, ok, err := ordered(left, right, b)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, failf("%s and %s have no order", kindOf(left), kindOf(right))
	}
	return n.op.holds(order), nil
}

// equalConverted is == of the StateMachine dialect: it converts a string to the type of the other
// side, if that is a number or a boolean.
func equalConverted(left, right any, b *Budget) (bool, error) {
	if s, ok := left.(string); ok {
		if _, both := right.(string); !both {
			left, right = right, any(s)
		}
	}
	s, ok := right.(string)
	if !ok {
		return equal(left, right, b)
	}
	switch l := left.(type) {
	case value.Number:
		order, ok, err := ordered(l, s, b)
		return ok && order == 0, err
	case bool:
		return l && s == "true" || !l && s == "false", nil
	}
	return equal(left, right, b)
}

// contained is `in` of the StateMachine dialect.
func contained(item, container any, b *Budget) (any, error) {
	switch c := container.(type) {
	case []any:
		return hasElement(c, item, b)
	case map[string]any:
		key, ok := item.(string)
		if !ok {
			return nil, failf("the key before in must be a string, not %s", kindOf(item))
		}
		_, found, err := b.lookUp(c, key)
		return found, err
	}
	return nil, failf("in takes an array or an object, not %s", kindOf(container))
}

// hasElement reports whether an array has an equal element. It converts nothing.
func hasElement(array []any, item any, b *Budget) (bool, error) {
	for _, e := range array {
		if err := b.step(1); err != nil {
			return false, err
		}
		if same, err := equal(e, item, b); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

// ordered returns the order of two numbers, of two strings, or of a number and a numeric string. It
// returns false for anything else.
func ordered(left, right any, b *Budget) (int, bool, error) {
	l, isText := left.(string)
	r, bothText := right.(string)
	if isText && bothText {
		order, err := b.compareTexts(l, r)
		return order, true, err
	}
	m, ok, err := number(left, b)
	if !ok || err != nil {
		return 0, false, err
	}
	n, ok, err := number(right, b)
	if !ok || err != nil {
		return 0, false, err
	}
	order, err := b.compareNumbers(m, n)
	return order, true, err
}

// number returns a number, or the number in a numeric string.
func number(v any, b *Budget) (value.Number, bool, error) {
	switch v := v.(type) {
	case value.Number:
		return v, true, nil
	case string:
		ok, err := b.isNumeric(v)
		return value.Number(v), ok, err
	}
	return "", false, nil
}

// equal reports whether two values are equal without conversion.
func equal(x, y any, b *Budget) (bool, error) {
	switch x := x.(type) {
	case value.Number:
		y, ok := y.(value.Number)
		if !ok {
			return false, nil
		}
		order, err := b.compareNumbers(x, y)
		return order == 0, err
	case []any:
		y, ok := y.([]any)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return equalArrays(x, y, b)
	case map[string]any:
		y, ok := y.(map[string]any)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return equalObjects(x, y, b)
	case string:
		y, ok := y.(string)
		if !ok {
			return false, nil
		}
		return b.sameText(x, y)
	case bool:
		y, ok := y.(bool)
		return ok && x == y, nil
	}
	return x == nil && y == nil, nil
}

func equalArrays(x, y []any, b *Budget) (bool, error) {
	if err := b.step(len(x)); err != nil {
		return false, err
	}
	for i := range x {
		if same, err := equal(x[i], y[i], b); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func equalObjects(x, y map[string]any, b *Budget) (bool, error) {
	if err := b.step(len(x)); err != nil {
		return false, err
	}
	same := true
	// There is no early exit, so that the cost does not depend on the order of members.
	for name, v := range x {
		w, ok, err := b.lookUp(y, name)
		if err != nil {
			return false, err
		}
		if !ok {
			same = false
			continue
		}
		equal, err := equal(v, w, b)
		if err != nil {
			return false, err
		}
		same = same && equal
	}
	return same, nil
}
