package engine_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

var rewrite = flag.Bool("rewrite", false,
	"write what happens into the scripts of testdata/script, instead of comparing")

// TestScripts runs the scripts of testdata/script: commands, and below each what happened. See the
// README there.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts, err := parseScript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			synctest.Test(t, func(t *testing.T) { runScript(t, file, parts) })
			if *rewrite && !t.Failed() {
				if err := os.WriteFile(file, []byte(formatScript(parts)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// runScript runs all commands and compares what they print, or keeps it for the file.
func runScript(t *testing.T, file string, parts []scriptPart) {
	s := newScript(t)
	for i := range parts {
		p := &parts[i]
		if p.command == "" {
			continue
		}
		got, err := s.do(p.command, p.body)
		if err != nil {
			t.Fatalf("%s:%d: %s: %v", file, p.line, p.command, err)
		}
		if *rewrite {
			p.output = got
		} else if got != p.output {
			t.Fatalf("%s:%d: %s\nprints\n%s\nthe script has\n%s\n%s", file, p.line, p.command,
				got, p.output, "if the change is right, run the test with -rewrite")
		}
	}
	s.checkHistories()
}

// scriptPart is one command of a script, or the comments and empty lines between two commands.
type scriptPart struct {
	line    int
	text    string // of a part without command
	command string
	body    string // the lines between the command and its "----"
	output  string // the lines up to the next empty line
}

const scriptDivider = "----"

// parseScript splits a script into its parts.
func parseScript(text string) ([]scriptPart, error) {
	var parts []scriptPart
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			parts = append(parts, scriptPart{line: i + 1, text: lines[i]})
			continue
		}
		p := scriptPart{line: i + 1, command: line}
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != scriptDivider; i++ {
			if strings.TrimSpace(lines[i]) == "" {
				return nil, fmt.Errorf("line %d: %q has no %s", p.line, line, scriptDivider)
			}
			p.body += lines[i]
		}
		if i == len(lines) {
			return nil, fmt.Errorf("line %d: %q has no %s", p.line, line, scriptDivider)
		}
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != ""; i++ {
			p.output += lines[i]
		}
		i--
		parts = append(parts, p)
	}
	return parts, nil
}

// formatScript is the inverse of parseScript.
func formatScript(parts []scriptPart) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
		if p.command != "" {
			fmt.Fprintf(&b, "%s\n%s%s\n%s", p.command, p.body, scriptDivider, p.output)
		}
	}
	return b.String()
}

// TestParseScript: what is parsed and formatted is the same text, and a command without a divider
// is a mistake.
func TestParseScript(t *testing.T) {
	const text = "# About.\n\nflow f\n- {Name: A}\n----\nok\n\ntick 1s\n----\n1s a wakes\n  more\n"
	parts, err := parseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := formatScript(parts); got != text {
		t.Errorf("formatted:\n%s", got)
	}
	for _, bad := range []string{"tick 1s\n", "flow f\n\n----\nok\n"} {
		if _, err := parseScript(bad); err == nil {
			t.Errorf("%q has no mistake", bad)
		}
	}
}
