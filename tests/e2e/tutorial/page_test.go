package tutorial_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// page is a document whose commands can be run: its lines, and the steps that they contain.
type page struct {
	path  string
	lines []string
	steps []step
}

// step is a file that the reader writes, or a command with the output that the page shows.
type step struct {
	line    int    // of the command, or of the text of the file, from 0
	file    string // "" for a command
	command string
	first   int // the lines of the output, or of the file's text
	last    int // the line after them
}

// text returns the lines that the page shows for a step.
func (p *page) text(s step) []string { return p.lines[s.first:s.last] }

// readPage reads a page of the repository. Blocks of the language console are commands and their
// output; a block in another language whose first line is a comment with a path is a file. All
// other blocks are not run.
func readPage(t *testing.T, name string) *page {
	t.Helper()
	path := filepath.Join("../../..", name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{path: path, lines: strings.Split(string(text), "\n")}
	for i := 0; i < len(p.lines); i++ {
		language, fenced := strings.CutPrefix(p.lines[i], "```")
		if !fenced {
			continue
		}
		end := i + 1
		for end < len(p.lines) && p.lines[end] != "```" {
			end++
		}
		if end == len(p.lines) {
			t.Fatalf("%s:%d: the block does not end", name, i+1)
		}
		p.readBlock(t, language, i+1, end)
		i = end
	}
	return p
}

// readBlock adds the steps of the block between two lines.
func (p *page) readBlock(t *testing.T, language string, first, end int) {
	t.Helper()
	if language != "console" {
		file, ok := strings.CutPrefix(p.lines[first], "# ")
		if ok && !strings.Contains(file, " ") && filepath.Ext(file) != "" {
			p.steps = append(p.steps, step{line: first, file: file, first: first + 1, last: end})
		}
		return
	}
	for i := first; i < end; {
		command, ok := strings.CutPrefix(p.lines[i], "$ ")
		if !ok {
			t.Fatalf("%s:%d: a console block begins with a command", p.path, i+1)
		}
		s := step{line: i}
		for i++; strings.HasSuffix(command, "\\") && i < end; i++ {
			command += "\n" + p.lines[i]
		}
		s.command, s.first = command, i
		for i < end && !strings.HasPrefix(p.lines[i], "$ ") {
			i++
		}
		s.last = i
		p.steps = append(p.steps, s)
	}
}
