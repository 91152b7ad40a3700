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
