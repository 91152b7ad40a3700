package value_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/shared/value"
)

func TestCut(t *testing.T) {
	tests := []struct {
		s    string
		max  int
		want string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"日本語文", 3, "日本語"},
		{"a\xffb", 3, "a\uFFFDb"},
		{"日本語", 3, "日本語"}, {strings.Repeat("\xff\xff", 500), 2, "\uFFFD"},
	}
	for _, test := range tests {
		got := value.Cut(test.s, test.max)
		if got != test.want || !utf8.ValidString(got) {
			t.Errorf("Cut(%.20q, %d) = %q", test.s, test.max, got)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("日本語", 2)
	f.Add("a\xff\xe6\x97", 3)
	f.Fuzz(func(t *testing.T, s string, max int) {
		if max < 0 || max > 1000 {
			return
		}
		got := value.Cut(s, max)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > max ||
			utf8.ValidString(s) && !strings.HasPrefix(s, got) {
			t.Fatalf("Cut(%q, %d) = %q", s, max, got)
		}
		if utf8.RuneCountInString(s) <= max && utf8.ValidString(s) && got != s {
			t.Fatalf("Cut(%q, %d) = %q, it is short enough", s, max, got)
		}
	})
}
