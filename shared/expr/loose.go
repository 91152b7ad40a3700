package expr

import "millrace/shared/value"

// looseNode compares in the older language, which never fails: what cannot be compared is false.
type looseNode struct{ compareNode }

func (n *looseNode) eval(env Env, b *Budget) (any, error) {
	left, right, err := n.operands(env, b)
	if err != nil {
		return nil, err
	}
	if isAbsent(left) || isAbsent(right) {
		return false, nil
	}
	switch n.op {
	case isEqual, isUnequal:
		same, err := looselyEqual(left, right, b)
		return same == (n.op == isEqual), err
	case isIn:
		return looselyContained(left, right, b)
	}
	order, ok := ordered(left, right)
	return ok && n.op.holds(order), nil
}

func isAbsent(v any) bool {
	_, absent := v.(Absent)
	return absent
}

// looselyEqual is == of the older language: as numbers if both sides read as numbers, else as booleans if both
// read as booleans, else without conversion.
func looselyEqual(left, right any, b *Budget) (bool, error) {
	m, ok := number(left)
	if n, both := number(right); ok && both {
		return value.Compare(m, n) == 0, b.scan(len(m) + len(n))
	}
	p, ok := boolean(left)
	if q, both := boolean(right); ok && both {
		return p == q, nil
	}
	return equal(left, right, b)
}

// boolean gives a boolean, or the one that a value reads as.
func boolean(v any) (truth, ok bool) {
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case string:
		truth = v == "true" || v == "TRUE"
		return truth, truth || v == "false" || v == "FALSE"
	case value.Number:
		return truthy(v), true
	}
	return false, false
}

// looselyContained is `in` of the older language.
func looselyContained(item, container any, b *Budget) (any, error) {
	switch c := container.(type) {
	case []any:
		return hasElement(c, item, b)
	case map[string]any:
		key, ok := item.(string)
		_, found := c[key]
		return ok && found, nil
	}
	return false, nil
}
