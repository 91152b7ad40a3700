package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/shared/value"
)

// ParsePath parses a path of FlowV1, such as `$input.a[0]["k"][*].b`. Eval returns Absent if the
// path selects nothing; a path with a wildcard always returns an array, which may be empty. Blanks
// around the path are an error: FlowV1 does not treat such a text as a path.
func ParsePath(src string, roots Roots) (*Expr, *Error) {
	p := &parser{lexer: lexer{src: src, dialect: &flowV1}, roots: roots}
	if len(src) > LengthMax || !utf8.ValidString(src) {
		return nil, newParser(src, roots, &flowV1).err
	}
	root, ok := p.pathRoot()
	if !ok {
		return nil, p.err
	}
	steps, err := p.selectors()
	if err != nil {
		return nil, err
	}
	if p.pos < len(src) {
		return nil, p.lexer.fail(p.pos, "unexpected "+value.Quote(src[p.pos:])+" in a path")
	}
	return &Expr{source: src, root: newPathV1(root, steps), roots: root, dialect: &flowV1,
		selections: []rootSelection{{root, namesV1(steps)}}}, nil
}

// namesV1 returns the names of the members that a path selects first.
func namesV1(steps []selector) (names []string) {
	for i := range steps {
		if steps[i].kind != nameSelector {
			break
		}
		names = append(names, steps[i].name)
	}
	return names
}

// rootNamesV1 are the roots of FlowV1.
var rootNamesV1 = map[string]Root{"$": Default, "$input": Input, "$local": Local,
	"$context": Context}

func (p *parser) pathRoot() (Root, bool) {
	if !strings.HasPrefix(p.src, "$") {
		p.fail(0, "a path starts with $input, $local, $context or $")
		return 0, false
	}
	p.pos++
	p.word()
	name := p.src[:p.pos]
	root, ok := rootNamesV1[name]
	switch {
	case !ok:
		p.fail(0, "unknown root "+name+": paths start with $input, $local, $context or $")
	case p.roots&root == 0:
		p.fail(0, name+" does not exist here")
		ok = false
	}
	return root, ok
}

type selectorKind uint8

const (
	nameSelector selectorKind = iota
	indexSelector
	wildcardSelector // [*]
)

// selector is one step of a FlowV1 path.
type selector struct {
	kind  selectorKind
	index int
	name  string
}

// selectors reads the steps of a path from pos.
func (l *lexer) selectors() ([]selector, *Error) {
	var steps []selector
	for l.pos < len(l.src) {
		var step selector
		var err *Error
		switch l.src[l.pos] {
		case '.':
			step, err = l.dotted()
		case '[':
			step, err = l.bracketed()
		default:
			return steps, nil
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (l *lexer) dotted() (selector, *Error) {
	at := l.pos
	l.pos++
	from := l.pos
	for l.pos < len(l.src) {
		r, size := utf8.DecodeRuneInString(l.src[l.pos:])
		digit := r >= '0' && r <= '9'
		if r != '_' && r != '-' && !unicode.IsLetter(r) && (!digit || l.pos == from) {
			break
		}
		l.pos += size
	}
	switch rest := l.src[from:]; {
	case l.pos > from:
		return selector{kind: nameSelector, name: l.src[from:l.pos]}, nil
	case strings.HasPrefix(rest, "."):
		return selector{}, l.fail(at, "recursive paths (..) are not in the language")
	case strings.HasPrefix(rest, "*"):
		return selector{}, l.fail(at, "the wildcard is written [*], not .*")
	}
	return selector{}, l.fail(at,
		"a dot must be followed by a key that does not start with a digit; "+
			`other keys are selected as ["key"]`)
}

// bracketed reads an index, a quoted key or a wildcard.
func (l *lexer) bracketed() (step selector, err *Error) {
	at := l.pos
	l.pos++
	l.skipBlanks()
	if l.pos == len(l.src) {
		return selector{}, l.fail(at, "the bracket is not closed")
	}
	switch c := l.src[l.pos]; {
	case c == '*':
		l.pos++
		step.kind = wildcardSelector
	case c == '"' || c == '\'':
		step.kind = nameSelector
		step.name, err = l.quoted()
	case isDigit(c):
		step.kind = indexSelector
		step.index, err = l.index()
	default:
		err = l.fail(at, unsupportedBracket(c))
	}
	if err != nil {
		return selector{}, err
	}
	l.skipBlanks()
	switch {
	case l.pos == len(l.src):
		return selector{}, l.fail(at, "the bracket is not closed")
	case l.src[l.pos] != ']':
		return selector{}, l.fail(l.pos, unsupportedBracket(l.src[l.pos]))
	}
	l.pos++
	return step, nil
}

func (l *lexer) index() (int, *Error) {
	from := l.pos
	l.digits()
	i, err := strconv.Atoi(l.src[from:l.pos])
	if err != nil {
		return 0, l.fail(from, "the index is out of range")
	}
	return i, nil
}

func unsupportedBracket(c byte) string {
	switch c {
	case '-':
		return "negative indexes are not in the language"
	case '?', '(':
		return "filters such as [?()] are not in the language"
	case ':':
		return "slices such as [1:2] are not in the language"
	case ',':
		return "a bracket selects one element, not several"
	}
	return "a bracket holds an index, a key in quotes or *"
}

// pathNodeV1 is a path of FlowV1. It returns Absent instead of an error if something is missing.
type pathNodeV1 struct {
	root     Root
	steps    []selector
	wildcard int // index of the first wildcard step; -1 if there is none
}

func newPathV1(root Root, steps []selector) node {
	for i, s := range steps {
		if s.kind == wildcardSelector {
			return &pathNodeV1{root, steps, i}
		}
	}
	return &pathNodeV1{root, steps, -1}
}

func (n *pathNodeV1) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1 + len(n.steps)); err != nil {
		return nil, err
	}
	v, err := env.Root(n.root)
	if err != nil {
		return nil, err
	}
	if n.wildcard >= 0 {
		found := []any{}
		err = collect(v, n.steps, &found, b)
		return found, err
	}
	for i := range n.steps {
		var ok bool
		if v, ok, err = n.steps[i].from(v, b); err != nil {
			return nil, err
		} else if !ok {
			return Absent{}, nil
		}
	}
	return v, nil
}

// from returns what a step without a wildcard selects, or false if it selects nothing.
func (s *selector) from(v any, b *Budget) (any, bool, error) {
	switch v := v.(type) {
	case map[string]any:
		if s.kind == nameSelector {
			return b.lookUp(v, s.name)
		}
	case []any:
		if s.kind == indexSelector && s.index < len(v) {
			return v[s.index], true, nil
		}
	case Object:
		if s.kind == nameSelector {
			return v.Member(s.name)
		}
	}
	return nil, false, nil
}

// collect appends what the steps select. A wildcard selects from every element.
func collect(v any, steps []selector, found *[]any, b *Budget) error {
	for i := range steps {
		if steps[i].kind == wildcardSelector {
			return collectWildcard(v, steps[i+1:], found, b)
		}
		if err := b.step(1); err != nil {
			return err
		}
		var ok bool
		var err error
		if v, ok, err = steps[i].from(v, b); !ok || err != nil {
			return err
		}
	}
	v, err := materialize(v, nil)
	if err != nil {
		return err
	}
	if err := b.grow(elementBytes); err != nil {
		return err
	}
	*found = append(*found, v)
	return nil
}

func collectWildcard(v any, rest []selector, found *[]any, b *Budget) error {
	v, err := materialize(v, nil)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case []any:
		if err := b.step(len(v)); err != nil {
			return err
		}
		for _, e := range v {
			if err := collect(e, rest, found, b); err != nil {
				return err
			}
		}
	case map[string]any:
		names, err := b.sortedNames(v)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := collect(v[name], rest, found, b); err != nil {
				return err
			}
		}
	}
	return nil
}
