package cli_test

import (
	"os"
	"strings"
	"testing"
)

const root = "../.."

func document(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(root + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// block returns the first fenced block of a language after marker.
func block(t *testing.T, text, marker, language string) string {
	t.Helper()
	_, text, found := strings.Cut(text, marker)
	_, text, fenced := strings.Cut(text, "```"+language+"\n")
	text, _, closed := strings.Cut(text, "```\n")
	if !found || !fenced || !closed {
		t.Fatalf("no %s block after %q", language, marker)
	}
	return text
}

// TestTestingPage runs the example of docs/testing.md and compares the result with the output on
// that page.
func TestTestingPage(t *testing.T) {
	page := document(t, "docs/testing.md")
	flow := block(t, page, "The flow, `order.yaml`", "yaml")
	cases := block(t, page, "Its cases, `order.cases.yaml`", "yaml")
	want := block(t, page, "Its cases, `order.cases.yaml`", "console")
	want = strings.TrimPrefix(want, "$ millrace test --verbose\n")
	project(t, "order.yaml", flow, "order.cases.yaml", cases)
	s := newShell(t, nil)
	if code, out, errs := s.run("test", "--verbose"); code != 0 || out != want {
		t.Errorf("exit code %d, want\n%s\ngot\n%s%s", code, want, out, errs)
	}
	s.expect(0, []string{"1 definition: no errors"}, nil, "validate", "--strict", ".")
	project(t, "order.yaml", flow, "order.cases.yaml",
		strings.Replace(cases, "status: Failed", "status: Succeeded", 1))
	if _, out, _ := s.run("test"); !strings.Contains(out, block(t, page, "the exit code is 1:",
		"")) {
		t.Errorf("got\n%s", out)
	}
}

// TestCommandPage checks that docs/cli.md names every command and every client flag.
func TestCommandPage(t *testing.T) {
	page := document(t, "docs/cli.md")
	for _, name := range names {
		if !strings.Contains(page, "`"+name) {
			t.Errorf("docs/cli.md does not name %s", name)
		}
	}
	for _, flag := range []string{
		"endpoint", "access-key-id", "access-key-secret", "security-token", "bearer-token",
		"region", "signature", "output",
	} {
		if !strings.Contains(page, "`--"+flag) {
			t.Errorf("docs/cli.md does not name --%s", flag)
		}
	}
}
