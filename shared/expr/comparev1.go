package expr

import "millrace/shared/value"

// compareNodeV1 is a comparison of FlowV1. It never fails: values that cannot be compared yield
// false.
type compareNodeV1 struct{ compareNode }

func (n *compareNodeV1) eval(env Env, b *Budget) (any, error) {
	left, right, err := n.operands(env, b)
	if err != nil {
		return nil, err
	}
	if isAbsent(left) || isAbsent(right) {
		return false, nil
	}
	switch n.op {
	case isEqual, isUnequal:
		same, err := equalV1(left, right, b)
		return same == (n.op == isEqual), err
	case isIn:
		return containedV1(left, right, b)
	}
	order, ok, err := ordered(left, right, b)
	return ok && n.op.holds(order), err
}

func isAbsent(v any) bool {
	_, absent := v.(Absent)
	return absent
}

// equalV1 is == of FlowV1: it compares numbers if both sides can be read as numbers, else booleans
// if both can be read as booleans, else without conversion. Two strings are read as numbers only if
// they have no exponent, so that digests such as 0e1 and 0e2 are not equal.
func equalV1(left, right any, b *Budget) (bool, error) {
	if m, ok := left.(value.Number); ok {
		if n, ok := right.(value.Number); ok { // fast path of the common case
			order, err := b.compareNumbers(m, n)
			return order == 0, err
		}
	}
	m, n, ok, err := numbersV1(left, right, b)
	if err != nil {
		return false, err
	}
	if ok {
		order, err := b.compareNumbers(m, n)
		return order == 0, err
	}
	p, ok, err := boolean(left, b)
	if err != nil {
		return false, err
	}
	q, both, err := boolean(right, b)
	if err != nil {
		return false, err
	}
	if ok && both {
		return p == q, nil
	}
	return equal(left, right, b)
}

// numbersV1 returns the numbers of both sides, or false if one cannot be read as a number.
func numbersV1(left, right any, b *Budget) (m, n value.Number, ok bool, err error) {
	l, isText := left.(string)
	r, bothText := right.(string)
	if isText && bothText {
		if ok, err = b.isPlainNumeric(l); ok && err == nil {
			ok, err = b.isPlainNumeric(r)
		}
		return value.Number(l), value.Number(r), ok, err
	}
	if m, ok, err = number(left, b); ok && err == nil {
		n, ok, err = number(right, b)
	}
	return m, n, ok, err
}

// boolean returns a boolean, or the boolean that a value can be read as.
func boolean(v any, b *Budget) (truth, ok bool, err error) {
	switch v := v.(type) {
	case nil:
		return false, true, nil
	case bool:
		return v, true, nil
	case string:
		truth = v == "true" || v == "TRUE"
		return truth, truth || v == "false" || v == "FALSE", nil
	case value.Number:
		zero, err := b.isZero(v)
		return !zero, true, err
	}
	return false, false, nil
}

// containedV1 is `in` of FlowV1.
func containedV1(item, container any, b *Budget) (any, error) {
	switch c := container.(type) {
	case []any:
		return hasElement(c, item, b)
	case map[string]any:
		key, ok := item.(string)
		if !ok {
			return false, nil
		}
		_, found, err := b.lookUp(c, key)
		return found, err
	}
	return false, nil
}
