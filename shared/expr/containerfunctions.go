package expr

import "millrace/shared/value"

func get(b *Budget, container, key any) (any, error) {
	return selected(container, key, "the first argument of get", b)
}

// length returns the number of elements, members or code points.
func length(b *Budget, x any) (any, error) {
	n := 0
	switch x := x.(type) {
	case []any:
		n = len(x)
	case map[string]any:
		n = len(x)
	case string:
		var err error
		if n, err = b.countRunes(x); err != nil {
			return nil, err
		}
	default:
		return nil, wrongArgument("length", "first", "an array, an object or a string", x)
	}
	return newInteger(b, int64(n))
}

// newInteger returns a new number as a value.
func newInteger(b *Budget, i int64) (any, error) { return value.FromInt(i), b.grow(numberBytes) }

func intAdd(b *Budget, x, y any) (any, error) {
	m, err := wantInt("intAdd", "first", x, b)
	if err != nil {
		return nil, err
	}
	n, err := wantInt("intAdd", "second", y, b)
	if err != nil {
		return nil, err
	}
	sum := m + n
	if (sum > m) != (n > 0) {
		return nil, failf("intAdd: the sum of %d and %d does not fit 64 bits", m, n)
	}
	return newInteger(b, sum)
}

func arrayContains(b *Budget, x, y any) (any, error) {
	array, err := wantArray("arrayContains", "first", x)
	if err != nil {
		return nil, err
	}
	return hasElement(array, y, b)
}

func mapKeys(b *Budget, x any) (any, error) {
	object, err := wantObject("mapKeys", "first", x)
	if err != nil {
		return nil, err
	}
	names, err := b.sortedNames(object)
	if err != nil {
		return nil, err
	}
	keys, err := b.array(len(names))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		keys = append(keys, name)
	}
	return keys, b.grow(elementBytes * len(names)) // the headers of the strings
}

func mapValues(b *Budget, x any) (any, error) {
	object, err := wantObject("mapValues", "first", x)
	if err != nil {
		return nil, err
	}
	names, err := b.sortedNames(object)
	if err != nil {
		return nil, err
	}
	values, err := b.array(len(names))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		values = append(values, object[name])
	}
	return values, nil
}

func jsonMerge(b *Budget, x, y any) (any, error) {
	first, err := wantObject("jsonMerge", "first", x)
	if err != nil {
		return nil, err
	}
	second, err := wantObject("jsonMerge", "second", y)
	if err != nil {
		return nil, err
	}
	merged, err := b.object(len(first) + len(second))
	if err != nil {
		return nil, err
	}
	if err := b.copyMembers(merged, first); err != nil {
		return nil, err
	}
	return merged, b.copyMembers(merged, second)
}
