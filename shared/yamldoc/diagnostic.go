package yamldoc

import (
	"fmt"
	"strings"
	"unicode"
)

// Severity is the severity of a diagnostic.
type Severity uint8

// The severities. A definition with an error is rejected.
const (
	Error Severity = iota
	Warning
)

// String returns the word that Render writes.
func (s Severity) String() string { return [...]string{"error", "warning"}[s] }

// Diagnostic is an error or a warning about a definition.
type Diagnostic struct {
	Line     int // from 1
	Column   int // in characters, from 1
	Severity Severity
	// Rule is V01 to V23 in StateMachine, F01 to F09 in FlowV1, and "" for an error of the text
	// itself.
	Rule    string
	Path    string // like `States[2](Gate).Next`; "" for the text itself
	Message string // what is wrong
	Hint    string // what to do about it; "" if the message says it all
}

// Diagnostics are the errors by rule and place, then the warnings by place.
type Diagnostics []Diagnostic

// First returns the first error, or nil if there are only warnings.
func (d Diagnostics) First() *Diagnostic {
	for i := range d {
		if d[i].Severity == Error {
			return &d[i]
		}
	}
	return nil
}

// Errors returns the number of errors.
func (d Diagnostics) Errors() int {
	n := 0
	for i := range d {
		if d[i].Severity == Error {
			n++
		}
	}
	return n
}

// Render formats a diagnostic for people: place, rule, path and message, then the line of the text
// with a caret under the place, then the hint. Each line ends with a line feed. text is the text of
// the definition.
func (d Diagnostic) Render(text []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d: %s", d.Line, d.Column, d.Severity)
	if d.Rule != "" {
		b.WriteString(" " + d.Rule)
	}
	if d.Path != "" {
		b.WriteString(" " + visible(d.Path))
	}
	b.WriteString(": " + visible(d.Message) + "\n")
	if line, caret := excerpt(text, d.Line, d.Column); line != "" {
		fmt.Fprintf(&b, "    %s\n    %s^\n", line, strings.Repeat(" ", caret))
	}
	if d.Hint != "" {
		b.WriteString("    hint: " + visible(d.Hint) + "\n")
	}
	return b.String()
}

// excerpt returns the part of a line around a column, and the position of the column in it, in
// cells of a terminal.
func excerpt(text []byte, number, column int) (string, int) {
	const width = 100
	runes := []rune(strings.TrimRight(visible(lineOf(text, number)), " "))
	caret := min(max(column-1, 0), len(runes))
	prefix := ""
	if from := caret - 2*width/3; len(runes) > width && from > 0 {
		runes, caret, prefix = runes[from:], caret-from+1, "…"
	}
	suffix := ""
	if len(runes) > width {
		runes, suffix = runes[:width], "…"
	}
	line := prefix + string(runes) + suffix
	return line, cells([]rune(line)[:caret])
}

// visible replaces control characters and the like, which would disturb a terminal. Each character
// stays one character.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}
