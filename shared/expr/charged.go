package expr

import (
	"hash/maphash"
	"math/bits"
	"sort"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// This file contains all operations on texts and numbers of unknown length. Each charges for the
// bytes it looks at before it looks at them. tests/layout keeps such operations out of the other
// files.

// compareNumbers returns the order of two numbers.
func (b *Budget) compareNumbers(m, n value.Number) (int, error) {
	if err := b.scan(len(m) + len(n)); err != nil {
		return 0, err
	}
	return value.Compare(m, n), nil
}

// isZero reports whether a number is 0.
func (b *Budget) isZero(n value.Number) (bool, error) {
	order, err := b.compareNumbers(n, "0")
	return order == 0, err
}

// integer returns a number as a 64-bit integer, or false if it is not one.
func (b *Budget) integer(n value.Number) (int64, bool, error) {
	if err := b.scan(len(n)); err != nil {
		return 0, false, err
	}
	i, ok := value.Int(n)
	return i, ok, nil
}

// isNumeric reports whether a text is a decimal number. A text with an exponent must not exceed the
// maximum length of a number.
func (b *Budget) isNumeric(s string) (bool, error) {
	if s == "" || s[0] > '9' { // a word, like most texts
		return false, nil
	}
	if err := b.scan(len(s)); err != nil {
		return false, err
	}
	return value.IsNumeric(s) && (len(s) <= value.NumberMax || !hasExponent(s)), nil
}

// isPlainNumeric reports whether a text is a decimal number without an exponent.
func (b *Budget) isPlainNumeric(s string) (bool, error) {
	if s == "" || s[0] > '9' {
		return false, nil
	}
	if err := b.scan(len(s)); err != nil {
		return false, err
	}
	return value.IsNumeric(s) && !hasExponent(s), nil
}

func hasExponent(s string) bool { return strings.ContainsAny(s, "eE") }

// sameText reports whether two texts are equal.
func (b *Budget) sameText(s, t string) (bool, error) {
	if len(s) != len(t) {
		return false, nil
	}
	if err := b.scan(len(s)); err != nil {
		return false, err
	}
	return s == t, nil
}

// compareTexts returns the order of two texts by code points, which is also the order of their
// UTF-8 bytes.
func (b *Budget) compareTexts(s, t string) (int, error) {
	if err := b.scan(min(len(s), len(t))); err != nil {
		return 0, err
	}
	return strings.Compare(s, t), nil
}

// lookUp returns the member of an object with this name.
func (b *Budget) lookUp(object map[string]any, name string) (any, bool, error) {
	if err := b.scan(len(name)); err != nil {
		return nil, false, err
	}
	v, ok := object[name]
	return v, ok, nil
}

// sortedNames returns the sorted names of an object's members.
func (b *Budget) sortedNames(object map[string]any) ([]string, error) {
	if err := b.step(len(object)); err != nil {
		return nil, err
	}
	if err := b.grow(elementBytes * len(object)); err != nil {
		return nil, err
	}
	names, size := make([]string, 0, len(object)), 0
	for name := range object {
		names = append(names, name)
		size += len(name)
	}
	rounds := bits.Len(uint(len(names))) // about how often sorting compares each name
	if err := b.step(len(names) * rounds / 8); err != nil {
		return nil, err
	}
	if err := b.scan(size * rounds); err != nil {
		return nil, err
	}
	sort.Strings(names)
	return names, nil
}

// copyMembers copies the members of one object into another.
func (b *Budget) copyMembers(to, from map[string]any) error {
	if err := b.step(len(from)); err != nil {
		return err
	}
	for name, v := range from {
		if err := b.scan(len(name)); err != nil {
			return err
		}
		to[name] = v
	}
	return nil
}

// seed is random, so that a flow cannot choose texts with equal hashes. Results do not depend on
// it.
var seed = maphash.MakeSeed()

func (b *Budget) hashText(s string) (uint64, error) {
	if err := b.scan(len(s)); err != nil {
		return 0, err
	}
	return maphash.String(seed, s), nil
}

// hashNumber returns a hash that is the same for equal numbers, such as 1 and 1.0.
func (b *Budget) hashNumber(n value.Number) (uint64, error) {
	if err := b.scan(2 * len(n)); err != nil {
		return 0, err
	}
	var few [40]byte
	return maphash.Bytes(seed, value.AppendKey(few[:0], n)), nil
}

// countRunes returns the number of code points in a text.
func (b *Budget) countRunes(s string) (int, error) {
	if err := b.scan(len(s)); err != nil {
		return 0, err
	}
	return utf8.RuneCountInString(s), nil
}

// appendJSON appends the JSON text of v, if the budget allows it.
func (b *Budget) appendJSON(text []byte, v any) ([]byte, error) {
	size, err := value.Measure(v, b.Bytes)
	if err != nil {
		return nil, failf("the value is %v", err)
	}
	if err := b.grow(size); err != nil {
		return nil, err
	}
	if err := b.scan(4 * size); err != nil { // members are sorted
		return nil, err
	}
	return value.Append(text, v), nil
}

// decodedBytes is the assumed size of a decoded value, in bytes for each byte of its JSON text.
const decodedBytes = 8

// decode decodes a JSON text.
func (b *Budget) decode(text string) (any, error) {
	if err := b.grow(decodedBytes * len(text)); err != nil {
		return nil, err
	}
	if err := b.scan(8 * len(text)); err != nil {
		return nil, err
	}
	v, err := value.Decode([]byte(text))
	if err != nil {
		return nil, failf("stringToJson: the text is not JSON: %v", err)
	}
	return v, nil
}
