//go:build unix

// Package tutorial_test runs the commands of README.md and docs/tutorial.md as a reader does, and
// compares the output with the page's. `go test ./tests/e2e/tutorial -update` writes the outputs
// that differ into the pages, also into the Chinese ones: read the diff.
package tutorial_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"millrace/tests/support/live"
)

var update = flag.Bool("update", false, "write outputs that differ into the pages")

func TestMain(m *testing.M) { live.Main(m) }

// TestReadme: the first flow of the README.
func TestReadme(t *testing.T) {
	p := readPage(t, "README.md")
	p.follow(t, nil, *update)
}

// TestTutorial: the tutorial, with the functions of each language.
func TestTutorial(t *testing.T) {
	for _, c := range [][2]string{{"python", "python3"}, {"node", "node"}, {"go", "go"}} {
		t.Run(c[0], func(t *testing.T) {
			if _, err := exec.LookPath(c[1]); err != nil {
				t.Skipf("%s is not on this machine: the functions of examples/functions/%s "+
					"are not run", c[1], c[0])
			}
			p := readPage(t, "docs/tutorial.md")
			p.follow(t, strings.NewReplacer("functions/python/", "functions/"+c[0]+"/"),
				*update && c[0] == "python")
		})
	}
}

// follow does what the page says, step by step.
func (p *page) follow(t *testing.T, replacer *strings.Replacer, update bool) {
	t.Helper()
	s, commands := newShell(t), 0
	outputs := map[int][]string{} // by the index of the step
	if update {
		defer func() { p.write(t, outputs) }() // after a command that does not end, too
	}
	for i, step := range p.steps {
		if step.file != "" {
			s.write(step.file, strings.Join(p.text(step), "\n")+"\n")
			continue
		}
		commands++
		command := step.command
		if replacer != nil {
			command = replacer.Replace(command)
		}
		got := s.run(command)
		if shown := p.text(step); !fits(shown, got) {
			outputs[i] = got
			if !update {
				t.Errorf("%s:%d: $ %s\nthe page shows\n%s\nit prints\n%s", p.path, step.line+1,
					command, strings.Join(shown, "\n"), strings.Join(got, "\n"))
			}
		}
	}
	if commands < 5 {
		t.Errorf("%s has %d commands", p.path, commands)
	}
}

// write replaces outputs, the last one first: the lines before it keep their numbers.
func (p *page) write(t *testing.T, outputs map[int][]string) {
	t.Helper()
	for i, step := range slices.Backward(p.steps) {
		if got, ok := outputs[i]; ok {
			p.lines = slices.Replace(p.lines, step.first, step.last, got...)
		}
	}
	if err := os.WriteFile(p.path, []byte(strings.Join(p.lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	copyBlocks(t, strings.TrimPrefix(filepath.ToSlash(p.path), "../../../"))
}

// write creates a file that the page shows. One that exists, because it is an example, must have
// the same text.
func (s *shell) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	if old, err := os.ReadFile(path); err == nil {
		if string(old) != text {
			s.t.Errorf("the page shows another text than %s has:\n%s", name, text)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}
