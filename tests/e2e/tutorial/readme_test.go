package tutorial_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"millrace/tests/support/live"
)

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	number = regexp.MustCompile(`\b\d+(,\d{3})*\b`)
	flags  = regexp.MustCompile(`--[a-z-]+`)
)

// anchorOf returns the anchor that hosts of repositories give a heading.
func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// TestNumbers: the README has the numbers of docs/reliability.md.
func TestNumbers(t *testing.T) {
	reliability := text(t, "docs/reliability.md")
	_, rest, _ := strings.Cut(text(t, "README.md"), "**Tested by breaking it**")
	paragraph, _, _ := strings.Cut(rest, "\n\n")
	all := number.FindAllString(paragraph, -1)
	if len(all) < 3 {
		t.Errorf("the README has the numbers %v", all)
	}
	for _, n := range all {
		if !regexp.MustCompile(`\b` + n + `\b`).MatchString(reliability) {
			t.Errorf("docs/reliability.md does not have the README's number %s", n)
		}
	}
}

// TestUnit: `serve` has the flags that the unit of systemd gives it.
func TestUnit(t *testing.T) {
	_, rest, _ := strings.Cut(text(t, "infra/systemd/millrace.service"), "\nExecStart=")
	command, _, _ := strings.Cut(rest, "\n\n")
	help, err := exec.Command(live.Binary(t), "help", "serve").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	all := flags.FindAllString(command, -1)
	if len(all) < 4 {
		t.Errorf("the unit has the flags %v", all)
	}
	for _, flag := range all {
		if !strings.Contains(string(help), flag+" ") {
			t.Errorf("serve has no flag %s", flag)
		}
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
