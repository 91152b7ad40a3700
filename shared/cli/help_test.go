package cli_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

var names = []string{
	"serve", "validate", "test", "rights", "completion", "version",
	"flow create", "flow update", "flow apply", "flow describe", "flow list", "flow delete",
	"flow publish", "flow versions", "flow alias", "flow search-keys",
	"schedule create", "schedule update", "schedule describe", "schedule list", "schedule enable",
	"schedule disable", "schedule delete",
	"bulk stop", "bulk start", "bulk redrive", "bulk delete", "bulk describe", "bulk results",
	"bulk list", "bulk cancel",
	"start", "describe", "history", "list", "failures", "why", "stop", "redrive",
	"execution delete", "prune",
	"report succeeded", "report failed",
}

// TestHelp compares the help of every command with the reviewed text.
func TestHelp(t *testing.T) {
	s := newShell(t, nil)
	var all strings.Builder
	for _, name := range append([]string{"", "flow", "schedule", "bulk",
		"execution", "report"}, names...) {
		code, out, errs := s.run(append(strings.Fields(name), "--help")...)
		if code != 0 || errs != "" || out == "" {
			t.Errorf("%s --help: exit code %d\n%s", name, code, errs)
		}
		if _, other, _ := s.run(append([]string{"help"},
			strings.Fields(name)...)...); other != out {
			t.Errorf("help %s differs from %s --help", name, name)
		}
		words := append(append([]string{"help"}, strings.Fields(name)...), "--help")
		if code, other, _ := s.run(words...); code != 0 || other != out {
			t.Errorf("help %s --help: exit code %d, or another text", name, code)
		}
		all.WriteString("$ millrace " + strings.TrimSpace(name+" --help") + "\n" + out + "\n")
	}
	golden := filepath.Join("testdata", "help.golden")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(all.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != all.String() {
		t.Errorf("the help has changed; look at it, then run the test with -rewrite:\n%s",
			all.String())
	}
}

// TestExamplesInHelp checks that the help of each command has an example, and that the flags in the
// examples exist.
func TestExamplesInHelp(t *testing.T) {
	s := newShell(t, nil)
	_, overview, _ := s.run("help")
	for _, name := range names {
		_, out, _ := s.run(append(strings.Fields(name), "--help")...)
		_, examples, _ := strings.Cut(out, "\nExamples:\n")
		examples, _, _ = strings.Cut(examples, "\n\n")
		if !strings.Contains(examples, "millrace "+name) {
			t.Errorf("%s has no example", name)
		}
		if !strings.Contains(overview, "  "+name+" ") {
			t.Errorf("the overview does not name %s", name)
		}
		for _, used := range regexp.MustCompile(`millrace [^|<>]*`).FindAllString(examples, -1) {
			for _, f := range regexp.MustCompile(` (--?[a-z-]+)`).FindAllStringSubmatch(used, -1) {
				if !regexp.MustCompile(`(?m)^  (-., |    |)` + f[1] + `[, ]`).MatchString(out) {
					t.Errorf("%s: the example has %s, which is no flag", name, f[1])
				}
			}
		}
	}
	s.expect(2, nil, []string{"there is no command"}, "help", "xyzzy")
}
