package fdl_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
)

// matching returns a definition with one state for each pattern.
func matching(patterns int, pattern string) string {
	var b strings.Builder
	b.WriteString("Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: S0\nStates:\n")
	for i := range patterns {
		fmt.Fprintf(&b, "- {Name: S%d, Type: Pass, OutputConstructor: {r.$: 'regexMatchString($Input.a, \"%s%d\")'}, ", i, pattern, i)
		if i+1 < patterns {
			fmt.Fprintf(&b, "Next: S%d}\n", i+1)
		} else {
			b.WriteString("End: true}\n")
		}
	}
	return b.String()
}

// TestPatternsOfADefinition: the patterns of a definition share one budget, and the first pattern
// that exceeds it is rejected at its line. A pattern that exceeds the limit of a single pattern is
// rejected at once.
func TestPatternsOfADefinition(t *testing.T) {
	for _, c := range []struct {
		patterns int
		pattern  string
		want     string
		from, to int // the line
	}{
		{100, `(?i)^[a-z0-9]+@[a-z0-9]+\\.(com|org)$`, "", 0, 0},
		{100, `^[一-龥]{2,4}$`, "", 0, 0},
		{240, `(?i)[` + strings.Repeat(`\\pL\\PL`, 4) + `]`, "take too much work to read", 50, 150},
		{100, `(?i)[!-\\x{ffff}]`, "take too much work to read", 8, 30},
		{3, `(?i)[` + strings.Repeat(`\\pL\\PL`, 80) + `]`, "more than 8 Unicode classes", 6, 6},
		{3, `(?i)[` + strings.Repeat(`!-\\x{1e942}`, 30) + `]`, "too many characters for (?i)", 6,
			6},
	} {
		text := matching(c.patterns, c.pattern)
		_, found := fdl.Parse([]byte(text), fdl.Options{Name: "f", Mode: flow.Standard,
			Limits: flow.DefaultLimits()})
		switch {
		case c.want == "" && fdl.Fault(found) != nil:
			t.Errorf("%d of %s: %v", c.patterns, c.pattern, fdl.Fault(found))
		case c.want != "" &&
			(fdl.Fault(found) == nil || !strings.Contains(found[0].Message, c.want)):
			t.Errorf("%d of %.40s: %v, want %s", c.patterns, c.pattern, fdl.Fault(found), c.want)
		case c.want != "" && (found[0].Line < c.from || found[0].Line > c.to):
			t.Errorf("%d of %.40s: at line %d", c.patterns, c.pattern, found[0].Line)
		}
	}
}
