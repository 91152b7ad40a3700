package expr

import (
	"unicode/utf8"

	"millrace/shared/value"
)

func get(_ *Budget, container, key any) (any, error) {
	return selected(container, key, "the first argument of get")
}

// length counts elements, members or code points.
func length(b *Budget, x any) (any, error) {
	n := 0
	switch x := x.(type) {
	case []any:
		n = len(x)
	case map[string]any:
		n = len(x)
	case string:
		if err := b.scan(len(x)); err != nil {
			return nil, err
		}
		n = utf8.RuneCountInString(x)
	default:
		return nil, wrongArgument("length", "first", "an array, an object or a string", x)
	}
	return integer(b, int64(n))
}

// integer gives a new number as a value.
func integer(b *Budget, i int64) (any, error) { return value.FromInt(i), b.grow(numberBytes) }

func intAdd(b *Budget, x, y any) (any, error) {
	m, err := wantInt("intAdd", "first", x)
	if err != nil {
		return nil, err
	}
	n, err := wantInt("intAdd", "second", y)
	if err != nil {
		return nil, err
	}
	sum := m + n
	if (sum > m) != (n > 0) {
		return nil, failf("intAdd: the sum of %d and %d does not fit 64 bits", m, n)
	}
	return integer(b, sum)
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
	names, err := sortedNames(object, b)
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
	names, err := sortedNames(object, b)
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
	n := len(first) + len(second)
	if err := b.step(n); err != nil {
		return nil, err
	}
	merged, err := b.object(n)
	if err != nil {
		return nil, err
	}
	for name, v := range first {
		merged[name] = v
	}
	for name, v := range second {
		merged[name] = v
	}
	return merged, nil
}
