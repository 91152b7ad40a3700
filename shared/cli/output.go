package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"millrace/shared/rpc/client"
)

// show prints v as JSON, or calls table.
func (c *invocation) show(v any, table func(w io.Writer)) error {
	if c.forPrograms() {
		return c.writeJSON(v)
	}
	table(c.Stdout)
	return nil
}

// rows prints lines of cells in aligned columns. The first line is the heading.
func rows(w io.Writer, lines [][]string) {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', tabwriter.StripEscape)
	for _, line := range lines {
		for i, cell := range line {
			if i > 0 {
				io.WriteString(t, "\t")
			}
			io.WriteString(t, visible(cell))
		}
		io.WriteString(t, "\n")
	}
	t.Flush()
	for line := range strings.Lines(b.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n")) // an empty last cell leaves padding
	}
}

// fields prints pairs of name and value. It skips those without a value.
func fields(w io.Writer, nameValue ...string) {
	var lines [][]string
	for i := 0; i+1 < len(nameValue); i += 2 {
		if nameValue[i+1] != "" {
			lines = append(lines, []string{nameValue[i] + ":", nameValue[i+1]})
		}
	}
	rows(w, lines)
}

// document prints JSON text, indented, below a title; nothing if there is no text.
func document(w io.Writer, title, text string) {
	if text == "" {
		return
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "  ", "  ") != nil {
		b.Reset()
		b.WriteString(text)
	}
	fmt.Fprintf(w, "%s:\n  %s\n", title, escaped(b.String()))
}

// visible replaces characters that would disturb a terminal or a table, because the texts come from
// the author of a flow.
func visible(s string) string { return plain(s, false) }

// printable is visible for texts of several lines.
func printable(s string) string { return plain(s, true) }

func plain(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || lines && (r == '\n' || r == '\t') {
			return r
		}
		return ' '
	}, s)
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// moment formats a time to the second, in UTC.
func moment(t client.Timestamp) string {
	if at := t.Time(); !at.IsZero() && at.Unix() > 0 {
		return at.UTC().Format("2006-01-02 15:04:05Z")
	}
	return ""
}

// between formats the time from a to b; "" if one of them is not set yet.
func between(a, b client.Timestamp) string {
	if moment(a) == "" || moment(b) == "" {
		return ""
	}
	return duration(b.Time().Sub(a.Time()))
}

// duration formats a duration: to the millisecond below a minute, to the second above.
func duration(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.3fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
