package expr

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads a string constant: "…" with the escapes of JSON, '…' in which a backslash keeps the
// next character, `…` without escapes.
func (l *lexer) quoted() (string, *Error) {
	from, quote := l.pos, l.src[l.pos]
	l.pos++
	end := l.pos
	for end < len(l.src) && l.src[end] != quote && (l.src[end] != '\\' || quote == '`') {
		end++
	}
	if end < len(l.src) && l.src[end] == quote { // no escapes: the constant is a part of the source
		text := l.src[l.pos:end]
		l.pos = end + 1
		return text, nil
	}
	var text strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == quote:
			l.pos++
			return text.String(), nil
		case c != '\\' || quote == '`':
			text.WriteByte(c)
			l.pos++
		default:
			if err := l.escape(&text, quote); err != nil {
				return "", err
			}
		}
	}
	return "", l.fail(from, "the string has no closing quote")
}

// escape reads a backslash and the escaped character.
func (l *lexer) escape(text *strings.Builder, quote byte) *Error {
	at := l.pos
	l.pos++
	if l.pos == len(l.src) {
		return l.fail(at, "the string has no closing quote")
	}
	c := l.src[l.pos]
	l.pos++
	if quote == '\'' {
		text.WriteByte(c) // the other bytes of a longer character follow unchanged
		return nil
	}
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		text.WriteByte("\"\\/\b\f\n\r\t"[i])
		return nil
	}
	if c != 'u' {
		return l.fail(at, `a backslash must be followed by one of "\/bfnrtu`)
	}
	r, ok := l.hex4()
	if !ok {
		return l.fail(at, `\u needs four hexadecimal digits`)
	}
	if utf16.IsSurrogate(r) {
		if r, ok = l.lowSurrogate(r); !ok {
			return l.fail(at, "half of a surrogate pair is no character: write both halves, "+
				"or the character itself")
		}
	}
	text.WriteRune(r)
	return nil
}

func (l *lexer) hex4() (rune, bool) {
	if len(l.src)-l.pos < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(l.src[l.pos:l.pos+4], 16, 32)
	if err != nil {
		return 0, false
	}
	l.pos += 4
	return rune(n), true
}

// lowSurrogate joins a surrogate with the next one. It returns false if there is none: like
// value.Decode, expressions reject half of a pair.
func (l *lexer) lowSurrogate(first rune) (rune, bool) {
	if !strings.HasPrefix(l.src[l.pos:], `\u`) {
		return 0, false
	}
	l.pos += 2
	second, ok := l.hex4()
	if !ok {
		return 0, false
	}
	r := utf16.DecodeRune(first, second)
	return r, r != utf8.RuneError
}
