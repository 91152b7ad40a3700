package value

import (
	"strings"
	"unicode/utf8"
)

// Cut returns at most max characters of s, from its beginning, as valid UTF-8: what is not becomes U+FFFD, one for each run
// of such bytes. It looks at no more of s than it may need.
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
