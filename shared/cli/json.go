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

// writeJSON writes v for programs: indented, with `<` and `&` as they are, and clean for terminals.
func writeJSON(w io.Writer, v any) error { return encodeJSON(w, v, "  ") }

// writeLine is writeJSON in a single line.
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

// escaped is JSON text in which every character that a terminal would act on, or not show, is
// written as \uXXXX: other control characters than line feed and tab, and those that turn the
// direction of writing or have no width. In a string of JSON that is the same value. A carriage
// return is a blank: between values it means the same.
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
			b.WriteString(`\ufffd`) // no UTF-8
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

// isShown reports whether a terminal shows a character, and does nothing else.
func isShown(r rune) bool {
	return r == '\n' || r == '\t' || unicode.IsPrint(r) || unicode.Is(unicode.Zs, r)
}
