package value

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode is DecodeWithin with MemoryDefault.
func Decode(text []byte) (any, error) { return DecodeWithin(text, MemoryDefault) }

// DecodeWithin parses one JSON text. The result takes at most memory bytes in addition to two
// copies of the text; if it would take more, DecodeWithin returns ErrMemory before it allocates
// them. It rejects trailing text, invalid UTF-8, half of a surrogate pair (it is not a character,
// and two names that differ in it would become equal), nesting beyond DepthMax and numbers beyond
// NumberMax. The last of several members of the same name counts. The strings and numbers of the
// result share one copy of text.
func DecodeWithin(text []byte, memory int) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("invalid UTF-8")
	}
	d := decoder{text: string(text), left: memory}
	if d.skipBlanks(); d.pos == len(d.text) {
		return nil, errors.New("no JSON value")
	}
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if d.skipBlanks(); d.pos < len(d.text) {
		return nil, d.unexpected("the end of the text")
	}
	return v, nil
}

// decoder reads values from pos. Elements and members stay on its stacks until their container is
// complete, so that the container is allocated in its final size.
type decoder struct {
	text   string
	pos    int
	values []any
	names  []string
	left   int    // bytes of memory that the result may still take
	buffer []byte // the decoded part of the current string, if it has escapes
}

// pushValue pushes an element or the value of a member. The stack doubles when it is full: append
// grows in smaller steps, which for a long array would allocate five times the stack.
func (d *decoder) pushValue(v any) error {
	if d.left -= valueMemory; d.left < 0 {
		return ErrMemory
	}
	if len(d.values) == cap(d.values) {
		d.values = slices.Grow(d.values, max(len(d.values), 8))
	}
	d.values = append(d.values, v)
	return nil
}

func (d *decoder) pushName(name string) error {
	if d.left -= nameMemory; d.left < 0 {
		return ErrMemory
	}
	if len(d.names) == cap(d.names) {
		d.names = slices.Grow(d.names, max(len(d.names), 8))
	}
	d.names = append(d.names, name)
	return nil
}

// SyntaxError is the error of a text that is no JSON.
type SyntaxError struct {
	At    int    // byte offset of what is wrong
	Found string // the character there, quoted; "" if the text ends there
	Want  string // what may be there: "a colon"
}

// Error names the offset.
func (e *SyntaxError) Error() string {
	if e.Found == "" {
		return "the JSON text ends too early"
	}
	return fmt.Sprintf("unexpected %s at byte %d of the JSON text: want %s", e.Found, e.At, e.Want)
}

// unexpected rejects the text at pos; want says what is expected.
func (d *decoder) unexpected(want string) error {
	if d.pos >= len(d.text) {
		return &SyntaxError{At: len(d.text), Want: want}
	}
	r, _ := utf8.DecodeRuneInString(d.text[d.pos:])
	return &SyntaxError{At: d.pos, Found: strconv.QuoteRune(r), Want: want}
}

func (d *decoder) skipBlanks() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\n', '\t', '\r':
			d.pos++
		default:
			return
		}
	}
}

// next skips blanks and returns the next byte, or 0 at the end. 0 never occurs in JSON outside of
// strings.
func (d *decoder) next() byte {
	d.skipBlanks()
	if d.pos == len(d.text) {
		return 0
	}
	return d.text[d.pos]
}

// value reads a value that is inside depth containers.
func (d *decoder) value(depth int) (any, error) {
	switch c := d.next(); {
	case c == '"':
		return boxed(d.string())
	case c == '{' || c == '[':
		if depth == DepthMax {
			return nil, ErrDepth
		}
		d.pos++
		if c == '{' {
			return d.object(depth + 1)
		}
		return d.array(depth + 1)
	case c == '-' || c >= '0' && c <= '9':
		n, err := d.number()
		if err != nil {
			return nil, err
		}
		return n, nil
	case c == 't':
		return true, d.literal("true")
	case c == 'f':
		return false, d.literal("false")
	case c == 'n':
		return nil, d.literal("null")
	}
	return nil, d.unexpected("a value")
}

func boxed(s string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (d *decoder) literal(word string) error {
	if !strings.HasPrefix(d.text[d.pos:], word) {
		return d.unexpected(word)
	}
	d.pos += len(word)
	return nil
}

// array reads an array after its opening bracket.
func (d *decoder) array(depth int) (any, error) {
	if d.next() == ']' {
		d.pos++
		d.left -= emptyMemory
		return []any{}, nil
	}
	base := len(d.values)
	for {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		if err := d.pushValue(v); err != nil {
			return nil, err
		}
		switch d.next() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			array := make([]any, len(d.values)-base)
			copy(array, d.values[base:])
			d.values = d.values[:base]
			return array, nil
		default:
			return nil, d.unexpected("a comma or the end of the array")
		}
	}
}

// object reads an object after its opening brace.
func (d *decoder) object(depth int) (any, error) {
	if d.next() == '}' {
		d.pos++
		d.left -= emptyMemory
		return map[string]any{}, nil
	}
	if d.left -= objectMemory; d.left < 0 {
		return nil, ErrMemory
	}
	base, named := len(d.values), len(d.names)
	for {
		if err := d.member(depth); err != nil {
			return nil, err
		}
		switch d.next() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			values, names := d.values[base:], d.names[named:]
			object := make(map[string]any, len(values))
			for i, name := range names {
				object[name] = values[i]
			}
			d.values, d.names = d.values[:base], d.names[:named]
			return object, nil
		default:
			return nil, d.unexpected("a comma or the end of the object")
		}
	}
}

func (d *decoder) member(depth int) error {
	if d.next() != '"' {
		return d.unexpected("a name in double quotes")
	}
	name, err := d.string()
	if err != nil {
		return err
	}
	if d.next() != ':' {
		return d.unexpected("a colon")
	}
	d.pos++
	if err := d.pushName(name); err != nil {
		return err
	}
	v, err := d.value(depth)
	if err != nil {
		return err
	}
	return d.pushValue(v)
}

// number reads a number and keeps its text.
func (d *decoder) number() (Number, error) {
	from := d.pos
	if d.text[d.pos] == '-' {
		d.pos++
	}
	if d.at('0') {
		d.pos++
	} else if err := d.digits(); err != nil {
		return "", err
	}
	if d.at('.') {
		d.pos++
		if err := d.digits(); err != nil {
			return "", err
		}
	}
	if d.at('e') || d.at('E') {
		d.pos++
		if d.at('+') || d.at('-') {
			d.pos++
		}
		if err := d.digits(); err != nil {
			return "", err
		}
	}
	if d.pos-from > NumberMax {
		return "", fmt.Errorf("the number at byte %d of the JSON text is longer than %d characters",
			from, NumberMax)
	}
	return Number(d.text[from:d.pos]), nil
}

func (d *decoder) at(c byte) bool { return d.pos < len(d.text) && d.text[d.pos] == c }

// digits reads one or more digits.
func (d *decoder) digits() error {
	from := d.pos
	for d.pos < len(d.text) && d.text[d.pos] >= '0' && d.text[d.pos] <= '9' {
		d.pos++
	}
	if d.pos == from {
		return d.unexpected("a digit")
	}
	return nil
}

// string reads a string. A string without escapes is a part of the text.
func (d *decoder) string() (string, error) {
	d.pos++
	from := d.pos
	for d.pos < len(d.text) {
		switch c := d.text[d.pos]; {
		case c == '"':
			d.pos++
			return d.text[from : d.pos-1], nil
		case c == '\\':
			return d.escaped(from)
		case c < 0x20:
			return "", d.unexpected(`an escape like \n`)
		}
		d.pos++
	}
	return "", d.unexpected("a double quote that ends the string")
}

// escaped reads the rest of a string from its first escape. The string starts at from.
func (d *decoder) escaped(from int) (string, error) {
	s := append(d.buffer[:0], d.text[from:d.pos]...)
	for d.pos < len(d.text) {
		switch c := d.text[d.pos]; {
		case c == '"':
			d.pos++
			d.buffer = s
			return string(s), nil
		case c == '\\':
			d.pos++
			var err error
			if s, err = d.escape(s); err != nil {
				return "", err
			}
		case c < 0x20:
			return "", d.unexpected(`an escape like \n`)
		default:
			s = append(s, c)
			d.pos++
		}
	}
	return "", d.unexpected("a double quote that ends the string")
}

// escape appends the characters for an escape, after the backslash.
func (d *decoder) escape(s []byte) ([]byte, error) {
	if d.at('u') {
		r, ok := d.hex4(d.pos + 1)
		if !ok {
			return nil, d.unexpected("u and four hexadecimal digits")
		}
		d.pos += 5
		if utf16.IsSurrogate(r) {
			if r, ok = d.lowSurrogate(r); !ok {
				return nil, fmt.Errorf(
					"half a surrogate pair before byte %d of the JSON text is no character", d.pos)
			}
		}
		return utf8.AppendRune(s, r), nil
	}
	if d.pos < len(d.text) {
		if i := strings.IndexByte(`"\/bfnrt`, d.text[d.pos]); i >= 0 {
			d.pos++
			return append(s, "\"\\/\b\f\n\r\t"[i]), nil
		}
	}
	return nil, d.unexpected("a character that can be escaped")
}

// hex4 returns the number of the four hexadecimal digits at an offset.
func (d *decoder) hex4(at int) (rune, bool) {
	if len(d.text)-at < 4 {
		return 0, false
	}
	r := rune(0)
	for _, c := range []byte(d.text[at : at+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// lowSurrogate joins a surrogate with the next one, and skips that.
func (d *decoder) lowSurrogate(first rune) (rune, bool) {
	if !strings.HasPrefix(d.text[d.pos:], `\u`) {
		return 0, false
	}
	second, ok := d.hex4(d.pos + 2)
	if !ok {
		return 0, false
	}
	r := utf16.DecodeRune(first, second)
	if r == utf8.RuneError {
		return 0, false
	}
	d.pos += 6
	return r, true
}
