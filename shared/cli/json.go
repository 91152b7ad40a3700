package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writeJSON writes v for programs: indented, without escaping `<` and `&`, and safe for terminals.
func writeJSON(w io.Writer, v any) error { return encodeJSON(w, v, "  ") }

// writeLine is writeJSON on a single line.
func writeLine(w io.Writer, v any) error { return encodeJSON(w, v, "") }

func encodeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escaped(b.String()))
	return err
}

// escaped replaces every character of JSON text that a terminal would interpret or not show by
// \uXXXX: control characters other than line feed and tab, and characters that change the writing
// direction or have no width. In a JSON string, that is the same value. A carriage return becomes a
// blank; between values both mean nothing.
func escaped(text string) string {
	if clean(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\r':
			b.WriteByte(' ')
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			b.WriteString(`\ufffd`) // not UTF-8
		case isShown(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return b.String()
}

// clean reports whether escaped would change nothing.
func clean(text string) bool {
	for _, r := range text {
		if !isShown(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// isShown reports whether a terminal shows a character and does nothing else with it.
func isShown(r rune) bool {
	return r == '\n' || r == '\t' || unicode.IsPrint(r) || unicode.Is(unicode.Zs, r)
}

// forPrograms reports whether programs read the output.
func (c *invocation) forPrograms() bool { return c.output != "table" }

// writeJSON writes a result for programs: as the API has it, or as data.
func (c *invocation) writeJSON(v any) error {
	if c.output == "data" {
		v = data(v)
	}
	return writeJSON(c.Stdout, v)
}

// writeLine is writeJSON on a single line.
func (c *invocation) writeLine(v any) error {
	if c.output == "data" {
		v = data(v)
	}
	return writeLine(c.Stdout, v)
}

// jsonTexts are the fields of the API that hold JSON in a string.
var jsonTexts = map[string]bool{"Input": true, "Output": true, "EventDetail": true,
	"Payload": true}

// data returns the value as JSON decodes it, with the fields that hold JSON in a string decoded
// too, and without the definition that each execution repeats.
func data(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return v
	}
	tree, ok := decoded(b)
	if !ok {
		return v
	}
	return withoutTexts(tree)
}

// decoded decodes JSON without loss of digits.
func decoded(text []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, err == io.EOF
}

func withoutTexts(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutTexts(v[i])
		}
	case map[string]any:
		delete(v, "FlowDefinition")
		for name, member := range v {
			text, ok := member.(string)
			if ok && jsonTexts[name] {
				if tree, ok := decoded([]byte(text)); ok {
					v[name] = tree // what an author wrote stays as it is
				} else if text == "" {
					v[name] = nil
				}
				continue
			}
			v[name] = withoutTexts(member)
		}
	}
	return v
}
