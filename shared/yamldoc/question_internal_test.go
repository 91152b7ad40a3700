package yamldoc

import (
	"strings"
	"testing"
)

func TestQuestionMarks(t *testing.T) {
	for text, want := range map[string]bool{"": false, "a: b?": false, "a: {b: c?d}": false,
		"? a": false, "[?": false,
		"a: {?b: c}": true, "a: [ \n ?b]": true, "{a, ?b}": true, "{a, ? b}": false,
		"a?b {?c": true, "x ?b": false,
		"{" + strings.Repeat(" ", 2000) + "?b": true} {
		if got := questionMarks([]byte(text)); got != want {
			t.Errorf("%.40q: %v", text, got)
		}
	}
}
