// Package value is the JSON of the engine. A value is nil, bool, string, Number, []any or
// map[string]any, and must be treated as immutable. Numbers keep their text, so that a number that
// is only passed on does not change, and 64-bit integers stay exact.
package value

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"unicode/utf8"
)

// Number is a JSON number in its original text.
type Number = json.Number

// DepthMax is the maximum depth of a decoded value.
const DepthMax = 256

// ErrDepth says that a text is nested deeper than DepthMax.
var ErrDepth = fmt.Errorf("nested deeper than %d levels", DepthMax)

// Canonical parses a text and returns it as Append writes it.
func Canonical(text []byte) ([]byte, error) {
	v, err := Decode(text)
	if err != nil {
		return nil, err
	}
	return Append(make([]byte, 0, len(text)), v), nil
}

// Encode returns the text of v as Append writes it.
func Encode(v any) []byte { return Append(nil, v) }

// Append appends v to dst as compact JSON: sorted keys, no HTML escaping, UTF-8 unescaped. It
// accepts a Go int, int64 or float64 as a number.
func Append(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return AppendString(dst, v)
	case Number:
		return append(dst, v...)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return append(dst, FromFloat(v)...)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, e)
		}
		return append(dst, ']')
	case map[string]any:
		return appendObject(dst, v)
	}
	panic(fmt.Sprintf("value: %T is no JSON value", v))
}

func appendObject(dst []byte, m map[string]any) []byte {
	dst = append(dst, '{')
	var few [8]string
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, k)
		dst = append(dst, ':')
		dst = Append(dst, m[k])
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string and escapes only what JSON requires.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// Equal compares two values deeply. It compares numbers by value, so 1 equals 1.0.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case Number:
		b, ok := b.(Number)
		return ok && Compare(a, b) == 0
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			w, ok := b[k]
			if !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case Number, []any, map[string]any:
		return false
	}
	return a == b
}

// Quote returns s as a JSON string, shortened for a message.
func Quote(s string) string {
	const lengthMax = 200
	if len(s) > lengthMax {
		cut := lengthMax
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return string(AppendString(nil, s))
}
