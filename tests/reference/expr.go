package reference

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"unicode"
)

// Expressions of the StateMachine language (docs/expressions.md).

// scope holds the roots that an expression can read, without their $.
type scope struct {
	roots object
	drawn *drawn
}

// evalError means that an expression cannot be evaluated: the state fails with FnF.ExpressionError
// (docs/expressions.md#when-an-expression-fails).
type evalError struct{ why string }

func fail(format string, args ...any) any { panic(evalError{fmt.Sprintf(format, args...)}) }

// evaluate calls f and returns the error that ended it, under the name given. The cause of that
// error is free.
func evaluate(name string, f func() any) (v any, err *failure) {
	defer func() {
		if r := recover(); r != nil {
			w, ok := r.(evalError)
			if !ok {
				panic(r)
			}
			v, err = nil, &failure{Failure: Failure{name, w.why}, free: true}
		}
	}()
	if v = f(); deep(v) {
		fail("it is nested too deep")
	}
	return v, nil
}

type expression func(*scope) any

var parsed = newCache(func(text string) expression {
	p := &parser{tokens: lex(text), text: text}
	e := p.or()
	if p.peek() != "" {
		panic(&Unjudged{"expression " + text})
	}
	return e
})

var tokens = regexp.MustCompile("^(?:" + strings.Join([]string{
	`"(?:[^"\\]|\\.)*"`, `'(?:[^'\\]|\\.)*'`, "`[^`]*`",
	`[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?`,
	`\$?[\pL_][\pL\p{Nd}_]*`,
	`\|\||&&|==|!=|<=|>=|[<>!\-.,:()\[\]{}]`}, "|") + ")")

func lex(text string) []string {
	var list []string
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		t := tokens.FindString(rest)
		if t == "" {
			panic(&Unjudged{"expression " + text})
		}
		list = append(list, t)
		rest = rest[len(t):]
	}
	return list
}

type parser struct {
	tokens []string
	at     int
	text   string
}

func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *parser) next() string { t := p.peek(); p.at++; return t }

func (p *parser) accept(t string) bool {
	if p.peek() == t {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(t string) {
	if !p.accept(t) {
		panic(&Unjudged{"expression " + p.text})
	}
}

func (p *parser) or() expression {
	left := p.and()
	for p.accept("||") {
		a, b := left, p.and()
		left = func(s *scope) any { return shortCircuit(a(s), true, func() any { return b(s) }) }
	}
	return left
}

func (p *parser) and() expression {
	left := p.comparison()
	for p.accept("&&") {
		a, b := left, p.comparison()
		left = func(s *scope) any { return shortCircuit(a(s), false, func() any { return b(s) }) }
	}
	return left
}

// shortCircuit implements || and &&: it evaluates the right side only if the left one does not
// decide.
func shortCircuit(left any, decides bool, right func() any) any {
	if _, ok := left.(undetermined); ok {
		return undetermined{}
	}
	if boolean(left) == decides {
		return decides
	}
	v := right()
	if _, ok := v.(undetermined); ok {
		return v
	}
	return boolean(v)
}

func boolean(v any) bool {
	b, ok := v.(bool)
	if !ok {
		fail("%s is no boolean", text(v))
	}
	return b
}

func (p *parser) comparison() expression {
	left := p.unary()
	for {
		op := p.peek()
		switch op {
		case "==", "!=", "<", "<=", ">", ">=", "in":
		default:
			return left
		}
		p.at++
		a, b := left, p.unary()
		left = func(s *scope) any { return compare(op, a(s), b(s)) }
	}
}

// compare implements the table of docs/expressions.md#operators.
func compare(op string, a, b any) any {
	if open(a) || open(b) {
		return undetermined{}
	}
	switch op {
	case "==":
		return same(a, b)
	case "!=":
		return !same(a, b)
	case "in":
		return contains(a, b)
	}
	order, ok := ordered(a, b)
	if !ok {
		fail("%s and %s have no order", text(a), text(b))
	}
	return holds(op, order)
}

func holds(op string, order int) bool {
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func same(a, b any) bool {
	for _, p := range [][2]any{{a, b}, {b, a}} {
		s, ok := p[1].(string)
		if !ok {
			continue
		}
		switch v := p[0].(type) {
		case json.Number:
			n, ok := numeric(s)
			return ok && rat(v).Cmp(n) == 0
		case bool:
			return s == fmt.Sprint(v)
		}
	}
	return equal(a, b)
}

func contains(a, b any) bool {
	switch b := b.(type) {
	case []any:
		for _, e := range b {
			if equal(a, e) {
				return true
			}
		}
		return false
	case object:
		k, ok := a.(string)
		if !ok {
			fail("%s is no key", text(a))
		}
		_, there := b[k]
		return there
	}
	fail("in needs an array or an object")
	return false
}

// ordered compares two numbers, two strings, or a number with a string that holds a number.
func ordered(a, b any) (int, bool) {
	s, okA := a.(string)
	t, okB := b.(string)
	if okA && okB {
		return strings.Compare(s, t), true
	}
	x, okX := numberOf(a)
	y, okY := numberOf(b)
	if !okX || !okY {
		return 0, false
	}
	return x.Cmp(y), true
}

func numberOf(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case json.Number:
		return rat(v), true
	case string:
		return numeric(v)
	}
	return nil, false
}

func (p *parser) unary() expression {
	switch {
	case p.accept("!"):
		e := p.unary()
		return func(s *scope) any {
			v := e(s)
			if _, ok := v.(undetermined); ok {
				return v
			}
			return !boolean(v)
		}
	case p.accept("-"):
		e := p.unary()
		return func(s *scope) any {
			n, ok := e(s).(json.Number)
			if !ok {
				fail("- needs a number")
			}
			if rat(n).Sign() == 0 {
				return n
			}
			if t, negative := strings.CutPrefix(string(n), "-"); negative {
				return json.Number(t)
			}
			return json.Number("-" + string(n))
		}
	}
	return p.postfix()
}

func (p *parser) postfix() expression {
	e := p.primary()
	for {
		of := e
		switch {
		case p.accept("."):
			name := p.next()
			e = func(s *scope) any { return member(of(s), name) }
		case p.accept("["):
			index := p.or()
			p.expect("]")
			e = func(s *scope) any { return element(of(s), index(s)) }
		default:
			return e
		}
	}
}

func member(v any, name string) any {
	m, ok := v.(object)
	if !ok {
		fail("%.100s has no member %s", text(v), name)
	}
	w, ok := m[name]
	if !ok {
		fail("there is no member %s", name)
	}
	return w
}

func element(v, index any) any {
	if name, ok := index.(string); ok {
		return member(v, name)
	}
	list, ok := v.([]any)
	n, number := whole(index)
	if !ok || !number || n < 0 || n >= int64(len(list)) {
		fail("%.100s has no element %s", text(v), text(index))
	}
	return list[n]
}

func (p *parser) primary() expression {
	t := p.next()
	switch {
	case t == "(":
		e := p.or()
		p.expect(")")
		return e
	case t == "[":
		list := p.list("]")
		return func(s *scope) any { return evaluated(s, list) }
	case t == "{":
		return p.object()
	case t == "true", t == "false":
		return constant(t == "true")
	case t == "null":
		return constant(nil)
	case strings.HasPrefix(t, "$"):
		return func(s *scope) any {
			v, ok := s.roots[t[1:]]
			if !ok {
				fail("%s is not there", t)
			}
			return v
		}
	case t != "" && strings.Contains("\"'`", t[:1]):
		return constant(unquoted(t))
	case t != "" && unicode.IsDigit(rune(t[0])):
		return constant(json.Number(t))
	}
	p.expect("(")
	args := p.list(")")
	f, ok := functions[t]
	if !ok {
		panic(&Unjudged{"function " + t})
	}
	return func(s *scope) any { return f(s, evaluated(s, args)) }
}

func constant(v any) expression { return func(*scope) any { return v } }

func (p *parser) list(end string) []expression {
	var list []expression
	if p.accept(end) {
		return list
	}
	for {
		list = append(list, p.or())
		if p.accept(end) {
			return list
		}
		p.expect(",")
	}
}

func (p *parser) object() expression {
	var names, values []expression
	for !p.accept("}") {
		if len(names) > 0 {
			p.expect(",")
		}
		names = append(names, p.or())
		p.expect(":")
		values = append(values, p.or())
	}
	return func(s *scope) any {
		m := object{}
		for i := range names {
			m[str(names[i](s))] = values[i](s)
		}
		return m
	}
}

func evaluated(s *scope, list []expression) []any {
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = e(s)
	}
	return out
}

func unquoted(t string) string {
	inner := t[1 : len(t)-1]
	switch t[0] {
	case '"':
		v, err := readJSON(t)
		if s, ok := v.(string); ok && err == nil {
			return s
		}
		panic(&Unjudged{"string " + t})
	case '\'':
		return regexp.MustCompile(`(?s)\\(.)`).ReplaceAllString(inner, "$1")
	}
	return inner
}

// built evaluates a constructor. Its keys with the suffix .$ hold expressions.
func built(template any, s *scope) any { return constructed(template, s, false) }

// constructed evaluates a constructor. If rooted, every string that starts with the name of a root
// is an expression, too.
func constructed(template any, s *scope, rooted bool) any {
	switch v := template.(type) {
	case string:
		if rooted && rootFirst.MatchString(v) {
			return parsed.get(v)(s)
		}
	case object:
		out := object{}
		for _, k := range keys(v) {
			if name, ok := strings.CutSuffix(k, ".$"); ok {
				out[name] = suffixed(v[k], s)
			} else {
				out[k] = constructed(v[k], s, rooted)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = constructed(v[i], s, rooted)
		}
		return out
	}
	return template
}

// suffixed evaluates the value of a key with the suffix .$: an expression, or a map or array in
// which every string that starts with the name of a root is an expression.
func suffixed(v any, s *scope) any {
	if e, ok := v.(string); ok {
		return parsed.get(e)(s)
	}
	return constructed(v, s, true)
}

var rootFirst = regexp.MustCompile(`^\$(Input|Output|Context|Global|Item)($|[^\pL\p{Nd}_])`)
