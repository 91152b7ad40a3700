package tutorial_test

import (
	"io/fs"
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
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	number  = regexp.MustCompile(`\b\d+(,\d{3})*\b`)
	flags   = regexp.MustCompile(`--[a-z-]+`)
)

// TestLinks: the files and headings that a document links to exist.
func TestLinks(t *testing.T) {
	checked := 0
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == ".cache"):
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			if fault := brokenLink(path, m[1]); fault != "" {
				t.Errorf("%s links to %s: %s", path, m[1], fault)
			}
		}
		return nil
	})
	if err != nil || checked < 100 {
		t.Errorf("%d links, %v", checked, err)
	}
}

// brokenLink returns what is wrong with a link of a document; "" if nothing is.
func brokenLink(from, target string) string {
	name, anchor, _ := strings.Cut(target, "#")
	path := filepath.Join(filepath.Dir(from), name)
	if name == "" {
		path = from
	}
	text, err := os.ReadFile(path)
	if info, e := os.Stat(path); e == nil && info.IsDir() {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if anchor == "" || filepath.Ext(path) != ".md" {
		return ""
	}
	for _, m := range heading.FindAllStringSubmatch(string(text), -1) {
		if anchorOf(m[1]) == anchor {
			return ""
		}
	}
	return "no heading has this anchor"
}

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

func TestBrokenLink(t *testing.T) {
	for target, broken := range map[string]bool{
		"docs/cli.md": false, "docs/nothing.md": true, "docs": false, "docs/cli.md#for-scripts": false,
		"docs/cli.md#nothing": true, "docs/functions.md#what-a-program-gets-of-its-server": false,
	} {
		if fault := brokenLink("../../../README.md", target); (fault != "") != broken {
			t.Errorf("%s: %q", target, fault)
		}
	}
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
