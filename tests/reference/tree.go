package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A tree is nil, bool, string, json.Number, []any or map[string]any. As long as the history has not
// shown a part, that part can also have one of the types of unknown.go.

type object = map[string]any

// readJSON reads one JSON text.
func readJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the JSON value")
	}
	return v, nil
}

// text encodes a tree as compact JSON with sorted keys (docs/flowv1.md#data).
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "?" + err.Error()
	}
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`,
		"\u2029").Replace(strings.TrimSuffix(b.String(), "\n"))
}

// sizeMax returns an upper bound of the length of a tree's text in bytes. It is cheaper than the
// text.
func sizeMax(v any) int {
	n := 8
	switch v := v.(type) {
	case string:
		n += 6 * len(v)
	case json.Number:
		n += len(v)
	case []any:
		for _, e := range v {
			n += 1 + sizeMax(e)
		}
	case object:
		for k, e := range v {
			n += 4 + 6*len(k) + sizeMax(e)
		}
	}
	return n
}

// readYAML parses a definition: YAML 1.2 with the core schema (docs/definitions.md).
func readYAML(text string) (any, error) {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		return nil, err
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
		return nil, fmt.Errorf("no document")
	}
	return treeOf(n.Content[0])
}

func treeOf(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return treeOf(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := treeOf(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		m := object{}
		for i := 0; i < len(n.Content); i += 2 {
			v, err := treeOf(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	}
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle |
		yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&quoted != 0 {
		return n.Value, nil
	}
	return scalar(n.Value), nil
}

var (
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	coreInt    = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat  = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// scalar returns the value of a plain scalar.
func scalar(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	switch {
	case jsonNumber.MatchString(s):
		return json.Number(s)
	case coreInt.MatchString(s):
		base := 10
		if strings.HasPrefix(s, "0o") || strings.HasPrefix(s, "0x") {
			base = 0
		}
		if n, ok := new(big.Int).SetString(s, base); ok {
			return json.Number(n.String())
		}
	case coreFloat.MatchString(s):
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	}
	return s
}

// rat returns the value of a number.
func rat(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		panic(&Unjudged{"number " + string(n)})
	}
	return r
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// whole returns the value of a whole number.
func whole(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	r := rat(n)
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

// numeric parses a text that holds a number.
func numeric(s string) (*big.Rat, bool) {
	if !jsonNumber.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// equal compares two trees deeply: numbers by value, everything else by type and value.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || rat(a).Cmp(rat(b)) == 0)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case object:
		b, ok := b.(object)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case nil, bool, string:
		switch b.(type) {
		case nil, bool, string:
			return a == b
		}
	}
	return false
}

// keys returns the keys of an object, sorted.
func keys(m object) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// overlay returns an object with the members of another one over it.
func overlay(under, over any) object {
	out := object{}
	for _, m := range []any{under, over} {
		if m, ok := m.(object); ok {
			for k, v := range m {
				out[k] = v
			}
		}
	}
	return out
}

// depthMax is the maximum depth of nesting of a value (docs/functions.md). A state that builds a
// deeper value fails.
const depthMax = 256

// deep reports whether a value is nested deeper than depthMax.
func deep(v any) bool { return deeper(v, depthMax) }

func deeper(v any, levels int) bool {
	switch v := v.(type) {
	case []any:
		return levels == 0 || slices.ContainsFunc(v, func(e any) bool {
			return deeper(e,
				levels-1)
		})
	case object:
		for _, e := range v {
			if deeper(e, levels-1) {
				return true
			}
		}
		return levels == 0
	}
	return false
}

// cut shortens a text to limit characters.
func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}

// textField and its siblings read a member of a definition. A null member counts as absent.
func textField(m object, key string) string { s, _ := m[key].(string); return s }

func listField(m object, key string) []any { l, _ := m[key].([]any); return l }

func objectField(m object, key string) object { o, _ := m[key].(object); return o }
