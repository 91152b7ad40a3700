package yamldoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// parseJSON parses a JSON text. JSON is YAML, but the YAML parser does not support surrogate pairs
// and is slower. It returns false if the text is not JSON; the text may still be YAML.
func parseJSON(text []byte) (root *Node, fail *Problem, ok bool) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	r := jsonReader{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), line: 1, column: 1}
	r.decoder.UseNumber()
	root, err := r.next(1)
	if r.fail != nil {
		return nil, r.fail, true
	}
	if err != nil {
		return nil, nil, false
	}
	if _, err := r.decoder.Token(); err != io.EOF {
		return nil, nil, false
	}
	return root, nil, true
}

type jsonReader struct {
	text         []byte
	decoder      *json.Decoder
	at           int // byte offset that line and column belong to
	line, column int
	nodes        int
	fail         *Problem
}

// token reads one token and returns its place.
func (r *jsonReader) token() (token json.Token, line, column int, err error) {
	from := int(r.decoder.InputOffset())
	if token, err = r.decoder.Token(); err != nil {
		return nil, 0, 0, err
	}
	for from < len(r.text) && separator(r.text[from]) {
		from++
	}
	r.advance(from)
	return token, r.line, r.column, nil
}

func separator(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ':'
}

// advance moves line and column to an offset.
func (r *jsonReader) advance(to int) {
	for ; r.at < to; r.at++ {
		switch c := r.text[r.at]; {
		case c == '\n':
			r.line++
			r.column = 1
		case utf8.RuneStart(c):
			r.column++
		}
	}
}

func (r *jsonReader) next(depth int) (*Node, error) {
	token, line, column, err := r.token()
	if err != nil {
		return nil, err
	}
	return r.value(token, line, column, depth)
}

func (r *jsonReader) value(token json.Token, line, column, depth int) (*Node, error) {
	node := &Node{Line: line, Column: column}
	if r.nodes++; r.nodes > NodesMax {
		return nil, r.failAt(line, column, "more than %d values", NodesMax)
	}
	if depth > DepthMax {
		return nil, r.failAt(line, column, "nested deeper than %d levels", DepthMax)
	}
	switch t := token.(type) {
	case bool:
		node.Kind, node.Text = Bool, fmt.Sprint(t)
	case json.Number:
		if reason := tooLong(string(t)); reason != "" {
			return nil, r.failAt(line, column, "%s", reason)
		}
		node.Kind, node.Text = Number, string(t)
	case string:
		node.Kind, node.Text = String, t
	case json.Delim:
		if t == '[' {
			return r.list(node, depth)
		}
		return r.object(node, depth)
	}
	return node, nil
}

func (r *jsonReader) list(node *Node, depth int) (*Node, error) {
	node.Kind = List
	for {
		token, line, column, err := r.token()
		if err != nil {
			return nil, err
		}
		if token == json.Delim(']') {
			return node, nil
		}
		item, err := r.value(token, line, column, depth+1)
		if err != nil {
			return nil, err
		}
		node.Items = append(node.Items, item)
	}
}

func (r *jsonReader) object(node *Node, depth int) (*Node, error) {
	node.Kind = Map
	for {
		token, line, column, err := r.token()
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok {
			break // the closing brace: the decoder accepts nothing else here
		}
		child, err := r.next(depth + 1)
		if err != nil {
			return nil, err
		}
		node.Fields = append(node.Fields, Field{Key: key, Line: line, Column: column, Value: child})
	}
	if i := duplicate(node.Fields); i >= 0 {
		f := node.Fields[i]
		return nil, r.failAt(f.Line, f.Column, "the key %q stands twice in one mapping",
			short(f.Key))
	}
	return node, nil
}

func (r *jsonReader) failAt(line, column int, format string, args ...any) error {
	r.fail = &Problem{Line: line, Column: column, Message: fmt.Sprintf(format, args...),
		quote: quoteIn(args)}
	return io.ErrUnexpectedEOF
}

// loneSurrogate returns the offset of the first \u escape in a JSON text that is half of a
// surrogate pair, or -1.
func loneSurrogate(text []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '\\')
		if i < 0 {
			return -1
		}
		at += i
		first := unit(text[at:])
		switch {
		case !utf16.IsSurrogate(first):
			at += 2
		case len(text)-at < 12 || utf16.DecodeRune(first, unit(text[at+6:])) == utf8.RuneError:
			return at
		default:
			at += 12
		}
	}
}

// unit returns the UTF-16 unit of the \u escape at the start of a text, or -1 for any other escape.
func unit(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
