package expr

import "millrace/shared/value"

// arrayUnique keeps the first of equal elements, in order.
func arrayUnique(b *Budget, x any) (any, error) {
	array, err := wantArray("arrayUnique", "first", x)
	if err != nil {
		return nil, err
	}
	unique, err := b.array(len(array))
	if err != nil {
		return nil, err
	}
	if err := b.grow(memberBytes * len(array)); err != nil {
		return nil, err
	}
	seen := make(map[uint64][]int, len(array)) // indexes in unique by hash
	for _, e := range array {
		h, err := hashOf(e, b)
		if err != nil {
			return nil, err
		}
		known, err := anyEqual(unique, seen[h], e, b)
		if err != nil {
			return nil, err
		}
		if !known {
			seen[h] = append(seen[h], len(unique))
			unique = append(unique, e)
		}
	}
	return unique, nil
}

// anyEqual reports whether an element at one of the indexes equals v.
func anyEqual(array []any, places []int, v any, b *Budget) (bool, error) {
	for _, i := range places {
		if err := b.step(1); err != nil {
			return false, err
		}
		if same, err := equal(array[i], v, b); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

const prime = 0x9E3779B97F4A7C15

// hashOf returns a hash that is the same for equal values.
func hashOf(v any, b *Budget) (uint64, error) {
	if err := b.step(1); err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case bool:
		if v {
			return 2, nil
		}
		return 3, nil
	case string:
		return b.hashText(v)
	case value.Number:
		return b.hashNumber(v)
	case []any:
		return hashArray(v, b)
	case map[string]any:
		return hashObject(v, b)
	}
	return 5, nil
}

func hashArray(array []any, b *Budget) (uint64, error) {
	sum := uint64(7)
	for _, e := range array {
		h, err := hashOf(e, b)
		if err != nil {
			return 0, err
		}
		sum = (sum ^ h) * prime
		sum ^= sum >> 29
	}
	return sum, nil
}

// hashObject sums up the hashes of the members, so that their order does not matter.
func hashObject(object map[string]any, b *Budget) (uint64, error) {
	sum := uint64(11)
	for name, v := range object {
		h, err := hashOf(v, b)
		if err != nil {
			return 0, err
		}
		key, err := b.hashText(name)
		if err != nil {
			return 0, err
		}
		pair := (key ^ h*prime) * prime
		sum += pair ^ pair>>31
	}
	return sum, nil
}
