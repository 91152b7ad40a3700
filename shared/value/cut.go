package value

import (
	"strings"
	"unicode/utf8"
)

// Cut returns the first max characters of s, or all of s if it is shorter, as valid UTF-8: each run
// of invalid bytes becomes one U+FFFD. It reads only as much of s as it needs.
func Cut(s string, max int) string {
	if !utf8.ValidString(s) {
		if len(s) > max*utf8.UTFMax {
			s = s[:max*utf8.UTFMax]
		}
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= max {
		return s
	}
	n := 0
	for i := range s {
		if n == max {
			return s[:i]
		}
		n++
	}
	return s
}
