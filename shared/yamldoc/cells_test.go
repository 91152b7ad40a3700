package yamldoc_test

import (
	"strings"
	"testing"

	"millrace/shared/yamldoc"
)

// TestCaret: the caret stands below its character in a terminal, which shows Chinese characters in
// two cells and combining marks in none.
func TestCaret(t *testing.T) {
	for _, c := range []struct {
		line   string
		column int
		want   string
	}{
		{"Next: x", 7, "      ^"},
		{"下一步: x", 6, "        ^"},
		{"é́: x", 5, "   ^"},
		{"名称ＡＢ: x", 7, "          ^"},
		{"한글: x", 5, "      ^"},
		{"ä: x", 4, "   ^"},
		{strings.Repeat("状", 120) + "!", 121, strings.Repeat(" ", 1+2*66) + "^"},
	} {
		d := yamldoc.Diagnostic{Line: 1, Column: c.column}
		lines := strings.Split(d.Render([]byte(c.line)), "\n")
		if got := strings.TrimPrefix(lines[2], "    "); got != c.want {
			t.Errorf("%s: caret at %d, want %d\n%s", c.line, len(got), len(c.want), lines[1])
		}
	}
}
