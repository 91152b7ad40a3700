package itemtask

import (
	"bufio"
	"bytes"
	"io"

	"millrace/shared/value"
)

// lineItems reads JSON Lines: an item a line. Empty lines are skipped.
type lineItems struct {
	from *input
	max  int // of a line, bytes
}

func (l *lineItems) cursor() Cursor { return l.from.at }

func (l *lineItems) next() (any, error) {
	in := l.from
	for {
		line, err := l.line()
		if err != nil && (err != io.EOF || len(line) == 0) {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		item, err := value.Decode(line)
		if err != nil {
			return nil, in.errorf(in.at.Line, "%s", err)
		}
		return item, nil
	}
}

// line returns the next line, which is valid until the next call. io.EOF comes with the last line
// if it does not end with a newline, or alone.
func (l *lineItems) line() ([]byte, error) {
	in := l.from
	line, err := in.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line = bytes.Clone(line)
		var more []byte
		for err == bufio.ErrBufferFull && len(line) <= l.max {
			more, err = in.r.ReadSlice('\n')
			line = append(line, more...)
		}
	}
	if len(line) > l.max {
		return nil, in.errorf(in.at.Line+1, "the line is longer than %d bytes", l.max)
	}
	if err != nil && err != io.EOF {
		return nil, in.failure(err)
	}
	if len(line) > 0 {
		in.at.Offset += int64(len(line))
		in.at.Line++
	}
	return line, err
}

// arrayItems reads the elements of a JSON array.
type arrayItems struct {
	from *input
	max  int // of an element, bytes
	text []byte
}

// cursor returns the position after an element. Line is the number of the line that it ends in, so
// that errors count from 1.
func (a *arrayItems) cursor() Cursor { return a.from.at }

// read returns the next byte.
func (a *arrayItems) read() (byte, error) {
	c, err := a.from.r.ReadByte()
	if err != nil {
		if err == io.EOF {
			return 0, err
		}
		return 0, a.from.failure(err)
	}
	a.from.at.Offset++
	if c == '\n' {
		a.from.at.Line++
	}
	return c, nil
}

// unread gives the last byte back, which is no newline.
func (a *arrayItems) unread() error {
	a.from.at.Offset--
	return a.from.r.UnreadByte()
}

// token returns the next byte that is no blank.
func (a *arrayItems) token() (byte, error) {
	for {
		c, err := a.read()
		if err == io.EOF {
			return 0, a.from.errorf(a.from.at.Line, "the array ends too early: it is not complete")
		}
		if err != nil || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c, err
		}
	}
}

func (a *arrayItems) next() (any, error) {
	in := a.from
	first := in.at.Line == 0
	if first {
		in.at.Line = 1
	}
	c, err := a.token()
	switch {
	case err != nil:
		return nil, err
	case first && c != '[':
		return nil, in.errorf(in.at.Line, "a JSON array must begin with [, not with %q; "+
			"for an item a line, InputType is JSONL", rune(c))
	case !first && c == ']':
		return nil, a.end()
	case !first && c != ',':
		return nil, in.errorf(in.at.Line, "after an element of the array there must be , or ], "+
			"not %q", rune(c))
	}
	if c, err = a.token(); err != nil {
		return nil, err
	}
	if first && c == ']' {
		return nil, a.end()
	}
	line := in.at.Line
	if err := a.element(c); err != nil {
		return nil, err
	}
	if len(a.text) == 0 {
		return nil, in.errorf(line, "an element of the array is missing")
	}
	item, err := value.Decode(a.text)
	if err != nil {
		return nil, in.errorf(line, "%s", err)
	}
	return item, nil
}

// element reads the text of an element that begins with c. Only strings and brackets are looked at;
// whether the text is JSON is for the decoder to say.
func (a *arrayItems) element(c byte) (err error) {
	a.text = a.text[:0]
	line, depth := a.from.at.Line, 0
	for inside, escaped := false, false; ; {
		switch {
		case escaped:
			escaped = false
		case inside && c == '\\':
			escaped = true
		case c == '"':
			inside = !inside
		case inside:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == ']' || c == '}'):
			return a.unread()
		case c == '}' || c == ']':
			depth--
		}
		if a.text = append(a.text, c); len(a.text) > a.max {
			return a.from.errorf(line, "the element is longer than %d bytes", a.max)
		}
		if c, err = a.read(); err == io.EOF {
			return a.from.errorf(line, "the array ends too early: an element is not complete")
		} else if err != nil {
			return err
		}
	}
}

// end checks that nothing follows the array, and returns io.EOF.
func (a *arrayItems) end() error {
	for {
		c, err := a.read()
		if err != nil {
			return err
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return a.from.errorf(a.from.at.Line, "something follows the array: %q", rune(c))
		}
	}
}
