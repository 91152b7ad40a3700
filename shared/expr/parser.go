package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// Bounds of expressions. They protect against hostile texts that would cost much time or exhaust
// the stack.
const (
	// LengthMax is the maximum length of an expression, in bytes.
	LengthMax = 16 << 10
	// CallDepthMax is the maximum depth of nested function calls.
	CallDepthMax = 10

	nestingMax = 64 // maximum depth of parentheses, literals, arguments and prefixes
)

// parser is the common part of the parsers of both dialects. It keeps its first error: from then on
// it sees only the end of the text, so that every rule returns at once, and their results are
// dropped.
type parser struct {
	lexer
	tok     token
	err     *Error
	roots   Roots // roots that the expression may use
	used    Roots
	nesting int
	calls   int

	selections []rootSelection // see Selections

	patterns *PatternBudget // constant patterns are charged to it
}

// newParser returns a parser at the first token.
func newParser(src string, roots Roots, d *dialect) *parser {
	p := &parser{lexer: lexer{src: src, dialect: d}, roots: roots}
	switch {
	case len(src) > LengthMax:
		p.fail(LengthMax, fmt.Sprintf("the expression is longer than %d bytes", LengthMax))
	case !utf8.ValidString(src):
		p.lexer.src = strings.ToValidUTF8(src, "\uFFFD")
		p.fail(0, "the expression is not UTF-8")
	default:
		p.advance()
	}
	return p
}

// finish returns the parsed expression if the whole text was read.
func (p *parser) finish(root node) (*Expr, *Error) {
	if p.tok.kind != endToken {
		p.unexpected()
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Expr{source: p.src, root: root, roots: p.used, selections: p.selections,
		dialect: p.dialect}, nil
}

func (p *parser) fail(pos int, reason string) { p.stop(p.lexer.fail(pos, reason)) }

func (p *parser) stop(err *Error) {
	if p.err == nil {
		p.err = err
	}
	p.pos = len(p.src)
	p.tok = token{pos: p.pos}
}

func (p *parser) advance() {
	tok, err := p.next()
	if err != nil {
		p.stop(err)
		return
	}
	p.tok = tok
}

// at reports whether the current token is this operator or punctuation.
func (p *parser) at(mark string) bool { return p.tok.kind == markToken && p.tok.text == mark }

// accept skips mark if it is the current token.
func (p *parser) accept(mark string) bool {
	if !p.at(mark) {
		return false
	}
	p.advance()
	return true
}

// expect skips mark, and fails if it is not the current token.
func (p *parser) expect(mark string) {
	if !p.accept(mark) {
		p.unexpected()
	}
}

// unexpected rejects the current token.
func (p *parser) unexpected() {
	switch t := p.tok; {
	case t.kind == endToken:
		p.fail(t.pos, "the expression ends too early")
	case p.at("-"):
		p.fail(t.pos, p.dialect.noMinus)
	case t.kind == wordToken && (t.text == "and" || t.text == "or" || t.text == "not"):
		p.fail(t.pos, "the logical operators are written &&, || and !")
	case t.kind == stringToken:
		p.fail(t.pos, "unexpected string "+value.Quote(t.text))
	default:
		p.fail(t.pos, "unexpected "+value.Quote(t.text))
	}
}

// nested calls parse one level deeper, unless that exceeds nestingMax.
func (p *parser) nested(parse func() node) node {
	if p.nesting++; p.nesting > nestingMax {
		p.fail(p.tok.pos, fmt.Sprintf("the expression is nested deeper than %d levels", nestingMax))
	}
	n := parse()
	p.nesting--
	return n
}

// expression parses an expression, which in both dialects is a disjunction.
func (p *parser) expression() node { return p.logic("||", p.conjunction) }

func (p *parser) conjunction() node { return p.logic("&&", p.comparison) }

// logic parses operands that are joined by one logical operator.
func (p *parser) logic(operator string, operand func() node) node {
	first := operand()
	if !p.at(operator) {
		return first
	}
	terms := []node{first}
	for p.accept(operator) {
		terms = append(terms, operand())
	}
	return &logicNode{terms: terms, shortCircuit: operator == "||", operator: operator,
		dialect: p.dialect}
}

// comparison parses a comparison or `in`, or a chain of them.
func (p *parser) comparison() node {
	left := p.prefixed()
	for {
		op, ok := p.comparator()
		if !ok {
			return left
		}
		p.advance()
		left = p.dialect.compare(op, left, p.prefixed())
		if !p.dialect.chains {
			return left
		}
	}
}

func (p *parser) comparator() (comparator, bool) {
	if p.tok.kind != markToken && p.tok.kind != wordToken {
		return 0, false
	}
	op, ok := comparators[p.tok.text]
	return op, ok
}

func (p *parser) prefixed() node {
	switch {
	case p.accept("!"):
		return &notNode{operand: p.nested(p.prefixed), dialect: p.dialect}
	case p.accept("-"):
		return newNegate(p.nested(p.prefixed), p.dialect)
	}
	return p.dialect.operand(p)
}

// list parses items up to the closing mark, after the opening one.
func (p *parser) list(closing string, item func()) {
	if p.accept(closing) {
		return
	}
	for {
		item()
		if !p.accept(",") {
			p.expect(closing)
			return
		}
	}
}

// parenthesized parses an expression after an opening parenthesis.
func (p *parser) parenthesized() node {
	n := p.nested(p.expression)
	p.expect(")")
	return n
}

// arrayLiteral parses an array literal after its opening bracket.
func (p *parser) arrayLiteral() node {
	var items []node
	p.list("]", func() { items = append(items, p.nested(p.expression)) })
	return newArray(items)
}

// literal parses the constants of both dialects. It returns false if there is none.
func (p *parser) literal() (node, bool) {
	t := p.tok
	switch t.kind {
	case numberToken:
		p.advance()
		return &constantNode{value.Number(t.text)}, true
	case stringToken:
		p.advance()
		return &constantNode{t.text}, true
	case wordToken:
		v, ok := literals[t.text]
		if ok {
			p.advance()
			return &constantNode{v}, true
		}
	}
	return nil, false
}

var literals = map[string]any{"true": true, "false": false, "null": nil}
