package glob_test

import (
	"strings"
	"testing"

	"millrace/shared/glob"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"**", "abc", true}, {"a*", "abc", true},
		{"a*c", "abc", true},
		{"a*d", "abc", false}, {"?", "", false}, {"?", "x", true}, {"a?c*", "abcd", true},
		{"acs:fc:*:*:functions/greet/*", "acs:fc:cn-hangzhou:1:functions/greet/LATEST", true},
		{"acs:fc:*:*:functions/greet/*", "acs:fc:cn-hangzhou:1:functions/greets/LATEST", false},
		{"MNS:*", "MNS:SendMessage", true}, {"*a*a*a*b", strings.Repeat("a", 100), false},
	}
	for _, test := range tests {
		if got := glob.Match(test.pattern, test.s); got != test.want {
			t.Errorf("Match(%q, %q) = %v", test.pattern, test.s, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*****", "x")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 200 || len(s) > 200 {
			return
		}
		if got := glob.Match(pattern, s); got && !strings.ContainsAny(pattern, "*?") &&
			pattern != s {
			t.Fatalf("Match(%q, %q)", pattern, s)
		}
		if !glob.Match("*"+s+"*", "x"+s+"y") {
			t.Fatalf("%q is not in itself", s)
		}
	})
}
