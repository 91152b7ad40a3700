package tutorial_test

import (
	"regexp"
	"strings"
	"testing"
)

// changes are the parts of an output that differ from run to run, and what stands for them.
var changes = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\b(\d+m)?\d+(\.\d+)?s\b`), "TOOK"},
	{regexp.MustCompile(`\bdjEj[A-Za-z0-9+/=]*`), "TOKEN"}, // begins a Base64 of "v1#"
	{regexp.MustCompile(`\(request [0-9A-F-]{36}\)`), "(request ID)"},
	{regexp.MustCompile(`^millrace \S+ serves`), "millrace VERSION serves"},
	{regexp.MustCompile(`^(function \w+)\[\d+\]`), "$1[PID]"},
	{regexp.MustCompile(`\s+`), " "},
}

func normal(line string) string {
	for _, c := range changes {
		line = c.pattern.ReplaceAllString(line, c.with)
	}
	return strings.TrimSpace(line)
}

// fits reports whether an output is the one that a page shows. In the page's, … stands for any
// text; a line with nothing else stands for any number of lines.
func fits(shown, got []string) bool {
	switch {
	case len(shown) == 0:
		return len(got) == 0
	case strings.TrimSpace(shown[0]) == "…":
		for i := range len(got) + 1 {
			if fits(shown[1:], got[i:]) {
				return true
			}
		}
		return false
	case len(got) == 0:
		return false
	}
	return lineFits(shown[0], got[0]) && fits(shown[1:], got[1:])
}

func lineFits(shown, got string) bool {
	parts := strings.Split(normal(shown), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`^` + strings.Join(parts, ".*") + `$`).MatchString(normal(got))
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		shown, got string
		want       bool
	}{
		{"created", "created", true},
		{"created", "updated", false},
		{"  0.001s  Charge entered", "  1.270s  Charge    entered", true},
		{"0.001s Charge entered", "0.001s Ship entered", false},
		{"Started: 2026-12-01 09:05:53Z", "Started: 2027-01-01 00:00:00Z", true},
		{"token djEjYXBw", "token djEjYXCw+/=", true},
		{"token …", "token x", true},
		{"token …", "tokn x", false},
		{"(request 6AF62474-7B04-4C77-8EF6-9CA671DBBB6C)",
			"(request 6AF62474-7B04-4C77-8EF6-9CA671DBBB6D)", true},
		{"a\n…\nb", "a\nb", true},
		{"a\n…\nb", "a\nx\ny\nb", true},
		{"a\n…\nb", "a\nx", false},
		{"a\nb", "a", false},
		{"a", "a\nb", false},
		{`{"n":1}`, `{"n":2}`, false},
	} {
		if fits(strings.Split(c.shown, "\n"), strings.Split(c.got, "\n")) != c.want {
			t.Errorf("%q, %q: want %t", c.shown, c.got, c.want)
		}
	}
}
