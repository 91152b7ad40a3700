package expr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/shared/value"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	numberToken
	stringToken
	wordToken
	rootToken // $ and the letters after it
	markToken // operators and punctuation
)

type token struct {
	kind tokenKind
	pos  int // byte offset in the source
	// text is the token as written; of a string the decoded value, of a number its JSON text.
	text string
}

// lexer splits an expression into tokens. The tokens are the same in both dialects, except in
// FlowV1 paths: there the parser reads the text itself, from pos.
type lexer struct {
	src     string
	pos     int
	last    token // the previous token; some error messages need it
	dialect *dialect
}

// next returns the next token. An error has the offset of the wrong character.
func (l *lexer) next() (token, *Error) {
	l.skipBlanks()
	t := token{pos: l.pos}
	if l.pos == len(l.src) {
		return t, nil
	}
	var err *Error
	switch c := l.src[l.pos]; {
	case c == '\'' && !l.dialect.singleQuotes:
		err = l.fail(t.pos, "a string is written in \" or `")
	case c == '"' || c == '\'' || c == '`':
		t.kind = stringToken
		t.text, err = l.quoted()
	case isDigit(c):
		t.kind = numberToken
		t.text, err = l.number()
	case c == '$':
		l.pos++
		l.word()
		t.kind, t.text = rootToken, l.src[t.pos:l.pos]
	case l.word():
		t.kind, t.text = wordToken, l.src[t.pos:l.pos]
	default:
		t.kind = markToken
		t.text, err = l.mark()
	}
	l.last = t
	return t, err
}

func (l *lexer) skipBlanks() {
	for l.pos < len(l.src) && strings.IndexByte(" \t\r\n", l.src[l.pos]) >= 0 {
		l.pos++
	}
}

func (l *lexer) fail(pos int, reason string) *Error {
	return &Error{Source: l.src, Offset: pos, Reason: reason}
}

// word reads an identifier. It returns false if there is none.
func (l *lexer) word() bool {
	from := l.pos
	for l.pos < len(l.src) {
		r, size := utf8.DecodeRuneInString(l.src[l.pos:])
		if r != '_' && !unicode.IsLetter(r) && (l.pos == from || !unicode.IsDigit(r)) {
			break
		}
		l.pos += size
	}
	return l.pos > from
}

// number reads a number and returns it as JSON, which does not allow leading zeros.
func (l *lexer) number() (string, *Error) {
	from := l.pos
	l.digits()
	if l.pos+1 < len(l.src) && l.src[l.pos] == '.' && isDigit(l.src[l.pos+1]) {
		l.pos++
		l.digits()
	}
	if l.pos < len(l.src) && (l.src[l.pos] == 'e' || l.src[l.pos] == 'E') {
		l.pos++
		if l.pos < len(l.src) && (l.src[l.pos] == '+' || l.src[l.pos] == '-') {
			l.pos++
		}
		if !l.digits() {
			return "", l.fail(from, "the exponent of a number needs digits")
		}
	}
	text := l.src[from:l.pos]
	if l.word() {
		return "", l.fail(from, "a number runs into a word")
	}
	for len(text) > 1 && text[0] == '0' && isDigit(text[1]) {
		text = text[1:]
	}
	if len(text) > value.NumberMax {
		return "", l.fail(from, fmt.Sprintf("the number is longer than %d characters",
			value.NumberMax))
	}
	return text, nil
}

func (l *lexer) digits() bool {
	from := l.pos
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
	return l.pos > from
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// mark reads an operator or punctuation.
func (l *lexer) mark() (string, *Error) {
	rest := l.src[l.pos:]
	if reason := l.unsupported(rest); reason != "" {
		return "", l.fail(l.pos, reason)
	}
	for _, two := range [...]string{"==", "!=", "<=", ">=", "&&", "||"} {
		if strings.HasPrefix(rest, two) {
			l.pos += 2
			return two, nil
		}
	}
	if strings.IndexByte("<>!-()[]{},:.", rest[0]) < 0 {
		r, _ := utf8.DecodeRuneInString(rest)
		return "", l.fail(l.pos, "unexpected character "+strconv.QuoteRune(r))
	}
	l.pos++
	return rest[:1], nil
}

// unsupported returns why the operator at the start of rest does not exist in the dialect, or "".
func (l *lexer) unsupported(rest string) string {
	inIndex := l.last.kind == markToken && l.last.text == "["
	inPath := l.last.kind == markToken && l.last.text == "."
	switch c := rest[0]; {
	case c == '*' && (inIndex || inPath):
		return "wildcards such as [*] are not in the language"
	case c == '?' && inIndex:
		return "filters such as [?()] are not in the language"
	case c == '.' && inPath:
		return "recursive paths (..) are not in the language"
	}
	for _, r := range unsupportedOperators {
		if !strings.HasPrefix(rest, r.operator) || r.unless != "" &&
			strings.HasPrefix(rest, r.unless) {
			continue
		}
		if r.onlyFunctions && !l.dialect.functions {
			return "there is no operator " + r.operator
		}
		return "there is no operator " + r.operator + r.hint
	}
	return ""
}

// unsupportedOperators are operators that people may expect. The first one that matches counts.
var unsupportedOperators = [...]struct {
	operator, unless, hint string
	onlyFunctions          bool // the hint is only for a dialect with functions
}{
	{operator: "+", hint: ": use intAdd to add integers, and format to join strings",
		onlyFunctions: true},
	{operator: "*", hint: ": the only arithmetic is intAdd", onlyFunctions: true},
	{operator: "/", hint: ": the only arithmetic is intAdd", onlyFunctions: true},
	{operator: "%", hint: ": the only arithmetic is intAdd", onlyFunctions: true},
	{operator: "??"},
	{operator: "?", hint: ":, a Choice decides between values", onlyFunctions: true},
	{operator: "=~", hint: ": use regexMatchString", onlyFunctions: true},
	{operator: "=", unless: "==", hint: ": use == to compare"},
	{operator: "&", unless: "&&", hint: ": use && for a logical and"},
	{operator: "|", unless: "||", hint: ": use || for a logical or"},
	{operator: "<<"},
	{operator: ">>"},
	{operator: "^"},
	{operator: "~"},
}
