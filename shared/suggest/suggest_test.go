package suggest_test

import (
	"testing"

	"millrace/shared/suggest"
)

func TestHint(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"gate", "did you mean 'Gate'?"}, {"Gaet", "did you mean 'Gate'?"}, {"Gate", ""}, {"", ""},
		{"entirely different", ""}, {"Opne", "did you mean 'Open'?"},
	} {
		if got := suggest.Hint(c.word, []string{"Gate", "Open", ""}); got != c.want {
			t.Errorf("Hint(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}
