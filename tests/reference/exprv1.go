package reference

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Paths, mappings and conditions of FlowV1 (docs/flowv1.md#mappings, docs/flowv1.md#paths,
// docs/flowv1.md#conditions).

// absent is the result of a path that selects nothing.
type absent struct{}

// rootsV1 are the roots that mappings can read. local may be absent, or not an object.
type rootsV1 struct{ input, local, context any }

// source evaluates the source of a mapping (2.4).
func (r rootsV1) source(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	for name, root := range map[string]any{"$input": r.input, "$local": r.local,
		"$context": r.context, "$": r.whole()} {
		if rest, ok := strings.CutPrefix(s, name); ok && (rest == "" || rest[0] == '.' ||
			rest[0] == '[') {
			if got := along(root, rest); got != (absent{}) {
				return got
			}
			return nil // a path that selects nothing yields null
		}
	}
	return s
}

// whole returns the value of $: the input, overlaid with the local data if that is an object.
func (r rootsV1) whole() any {
	if m, ok := r.local.(object); ok {
		return overlay(r.input, m)
	}
	return r.input
}

// mapped evaluates mappings. If two targets are equal, the later mapping wins.
func mapped(mappings []any, r rootsV1) object {
	out := object{}
	for _, m := range mappings {
		out[textField(m.(object), "target")] = r.source(m.(object)["source"])
	}
	return out
}

var pathParts = regexp.MustCompile(`^(?:\.([\pL\p{Nd}_\-]+)|\[([0-9]+)\]|\[(\*)\]|` +
	`\["((?:[^"\\]|\\.)*)"\]|\['([^']*)'\])`)

// along follows a path. A path with [*] always returns a list.
func along(v any, path string) any {
	values, several := []any{v}, false
	for rest := path; rest != ""; {
		p := pathParts.FindStringSubmatch(rest)
		if p == nil {
			panic(&Unjudged{"path " + path})
		}
		rest = rest[len(p[0]):]
		several = several || p[3] != ""
		var next []any
		for _, v := range values {
			next = append(next, selected(v, p)...)
		}
		values = next
	}
	switch {
	case several && values == nil:
		return []any{}
	case several:
		return values
	case len(values) == 0:
		return absent{}
	}
	return values[0]
}

// selected returns the values that one part of a path selects.
func selected(v any, part []string) []any {
	switch {
	case part[3] != "":
		switch v := v.(type) {
		case []any:
			return v
		case object:
			var list []any
			for _, k := range keys(v) {
				list = append(list, v[k])
			}
			return list
		}
		return nil
	case part[2] != "":
		list, _ := v.([]any)
		if n, err := strconv.Atoi(part[2]); err == nil && n < len(list) {
			return list[n : n+1]
		}
		return nil
	}
	m, _ := v.(object)
	if w, ok := m[part[1]+part[4]+part[5]]; ok {
		return []any{w}
	}
	return nil
}

// condition reports whether a condition is true for a step's input.
func condition(text string, input any) bool {
	p := &parserV1{parser{tokens: lexV1(text), text: text}, input}
	v := p.or()
	if p.peek() != "" {
		panic(&Unjudged{"condition " + text})
	}
	return truth(v)
}

var tokensV1 = regexp.MustCompile("^(?:" + strings.Join([]string{
	`\$(?:\.[\pL_][\pL\p{Nd}_\-]*|\[[0-9]+\]|\[\*\]|\["(?:[^"\\]|\\.)*"\]|\['[^']*'\])*`,
	`"(?:[^"\\]|\\.)*"`, "`[^`]*`", `[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?`, `[a-z]+`,
	`\|\||&&|==|!=|<=|>=|[<>!\-,()\[\]]`}, "|") + ")")

func lexV1(text string) []string {
	var list []string
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		t := tokensV1.FindString(rest)
		if t == "" {
			panic(&Unjudged{"condition " + text})
		}
		list = append(list, t)
		rest = rest[len(t):]
	}
	return list
}

// parserV1 evaluates while it parses. That is safe because conditions have no effects and cannot
// fail.
type parserV1 struct {
	parser
	input any
}

func (p *parserV1) or() any {
	left := p.and()
	for p.accept("||") {
		right := p.and()
		left = truth(left) || truth(right)
	}
	return left
}

func (p *parserV1) and() any {
	left := p.comparison()
	for p.accept("&&") {
		right := p.comparison()
		left = truth(left) && truth(right)
	}
	return left
}

func (p *parserV1) comparison() any {
	left := p.unary()
	switch op := p.peek(); op {
	case "==", "!=", "<", "<=", ">", ">=", "in":
		p.at++
		return compareV1(op, left, p.unary())
	}
	return left
}

func (p *parserV1) unary() any {
	switch {
	case p.accept("!"):
		return !truth(p.unary())
	case p.accept("-"):
		switch v := p.unary().(type) {
		case json.Number:
			return json.Number(new(big.Rat).Neg(rat(v)).FloatString(20))
		default:
			return absent{}
		}
	}
	return p.primary()
}

func (p *parserV1) primary() any {
	t := p.next()
	switch {
	case t == "(":
		v := p.or()
		p.expect(")")
		return v
	case t == "[":
		list := []any{}
		for !p.accept("]") {
			if len(list) > 0 {
				p.expect(",")
			}
			list = append(list, p.or())
		}
		return list
	case t == "true", t == "false":
		return t == "true"
	case t == "null":
		return nil
	case strings.HasPrefix(t, "$"):
		return along(p.input, t[1:])
	case strings.HasPrefix(t, `"`), strings.HasPrefix(t, "`"):
		return unquoted(t)
	case jsonNumber.MatchString(t):
		return json.Number(t)
	}
	panic(&Unjudged{"condition " + p.text})
}

// truth converts a value to a condition's result (4.2).
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v == "true" || v == "TRUE"
	case json.Number:
		return rat(v).Sign() != 0
	}
	return false
}

func compareV1(op string, a, b any) bool {
	if a == (any)(absent{}) || b == (any)(absent{}) {
		return false
	}
	switch op {
	case "==":
		return sameV1(a, b)
	case "!=":
		return !sameV1(a, b)
	case "in":
		switch b := b.(type) {
		case []any:
			for _, e := range b {
				if equal(a, e) { // without conversion, as in StateMachine
					return true
				}
			}
		case object:
			k, ok := a.(string)
			_, there := b[k]
			return ok && there
		}
		return false
	}
	order, ok := ordered(a, b)
	return ok && holds(op, order)
}

// sameV1 implements equality: rules 2 to 5 of 4.2.
func sameV1(a, b any) bool {
	if x, ok := numberOf(a); ok {
		if y, ok := numberOf(b); ok {
			return x.Cmp(y) == 0
		}
	}
	if x, ok := booleanOf(a); ok {
		if y, ok := booleanOf(b); ok {
			return x == y
		}
	}
	return equal(a, b)
}

func booleanOf(v any) (value, ok bool) {
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case json.Number:
		return rat(v).Sign() != 0, true
	case string:
		switch v {
		case "true", "TRUE":
			return true, true
		case "false", "FALSE":
			return false, true
		}
	}
	return false, false
}
