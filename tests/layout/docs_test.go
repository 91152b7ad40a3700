package layout_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// read returns a file of the repository as text.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// table returns the cells of the table of a page whose first header cell is head.
func table(t *testing.T, page, head string) (rows [][]string) {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n| "+head+" |")
	if !ok {
		t.Fatalf("there is no table that begins with %q", head)
	}
	for _, line := range strings.Split(rest, "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) < 3 {
			break
		}
		rows = append(rows, cells)
	}
	return rows
}

// funcs returns the names of the functions and methods of Go files.
func funcs(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, %v", pattern, err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?(\w+)`).
			FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
	}
	return names
}

// quoted matches text between backquotes, word a name of the code.
var (
	quoted = regexp.MustCompile("`([^`]+)`")
	word   = regexp.MustCompile(`^\w+$`)
)

// TestModelPage: the functions that docs/model.md names for an action exist, in the code and in the
// models.
func TestModelPage(t *testing.T) {
	page := read(t, "docs/model.md")
	var models strings.Builder
	files, _ := filepath.Glob("../../tests/model/*.pml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		models.Write(text)
	}
	checked := 0
	for _, row := range table(t, page, "action") {
		for _, m := range quoted.FindAllStringSubmatch(row[1], -1) {
			if name := m[1]; word.MatchString(name) &&
				!regexp.MustCompile(`\b`+name+`\b`).MatchString(models.String()) {
				t.Errorf("no model has %s, which stands for %s", name, row[0])
			}
		}
		dir, there := "", map[string]bool{}
		for _, name := range strings.Fields(quoted.ReplaceAllString(row[2], " `$1 ")) {
			name = strings.Trim(name, ",;")
			switch place, isPlace := strings.CutPrefix(name, "`"); {
			case isPlace && strings.HasSuffix(place, ".go"):
				if d := filepath.Dir(place); d != "." {
					dir = d
				}
				there = funcs(t, filepath.Join("shared", dir, filepath.Base(place)))
			case isPlace:
				there = funcs(t, filepath.Join("shared", place, "*.go"))
			case strings.HasPrefix(name, "("): // a remark about it
				there = nil
			case there != nil && name != "":
				if checked++; !there[name] {
					t.Errorf("%s: there is no %s", row[0], name)
				}
			}
		}
	}
	for _, row := range table(t, page, "what is checked") {
		checked += checkSimulationCell(t, row[0], row[2])
	}
	if checked < 60 {
		t.Errorf("only %d names were found on the page", checked)
	}
}

// checkSimulationCell checks that the files of the simulation that a cell names have the functions
// that it names after each. It returns the number of functions.
func checkSimulationCell(t *testing.T, promise, cell string) (n int) {
	var file string
	var there map[string]bool
	for name := range strings.SplitSeq(cell, ",") {
		name, _, _ = strings.Cut(name, " (") // a remark
		if before, after, ok := strings.Cut(strings.TrimLeft(name, " `"), "`"); ok {
			file, name = before, after
			there = funcs(t, filepath.Join("tests/sim", file))
		}
		if name = strings.TrimSpace(name); word.MatchString(name) {
			if n++; !there[name] {
				t.Errorf("%s: tests/sim/%s has no %s", promise, file, name)
			}
		}
	}
	return n
}

// TestReliabilityPage: the tests, files and make targets that docs/reliability.md names exist.
func TestReliabilityPage(t *testing.T) {
	page := read(t, "docs/reliability.md")
	tests, files, fuzz := []string{}, map[string]bool{}, 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" ||
			d.Name() == ".cache"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go"):
			files[d.Name()] = true
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).
			FindAllStringSubmatch(string(text), -1) {
			tests = append(tests, m[1])
			// a module of its own
			if strings.HasPrefix(m[1], "Fuzz") &&
				!strings.Contains(filepath.ToSlash(path), "tests/clouds/emulators/crosscheck/") {
				fuzz++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	some := func(fits func(name string) bool) bool {
		for _, name := range tests {
			if fits(name) {
				return true
			}
		}
		return false
	}
	for _, m := range quoted.FindAllStringSubmatch(page, -1) {
		name := m[1]
		begins, cut := strings.CutSuffix(name, "…")
		ends, rest := strings.CutPrefix(name, "…")
		switch {
		case rest && !some(func(s string) bool { return strings.HasSuffix(s, ends) }),
			cut && !some(func(s string) bool { return strings.HasPrefix(s, begins) }),
			!cut && regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`).MatchString(name) &&
				!some(func(s string) bool {
					return s == name
				}):
			t.Errorf("there is no test %s", name)
		case regexp.MustCompile(`^\w+\.go$`).MatchString(name) && !files[name]:
			t.Errorf("there is no file %s", name)
		case strings.HasPrefix(name, "make ") &&
			!strings.Contains(read(t, "Makefile"), "\n"+strings.Fields(name)[1]+":"):
			t.Errorf("there is no target for %s", name)
		}
	}
	if m := regexp.MustCompile(`(\d+) targets, of which`).FindStringSubmatch(page); m == nil ||
		m[1] != strconv.Itoa(fuzz) {
		t.Errorf("the page says %v, there are %d", m, fuzz)
	}
	for _, target := range []string{"sim", "sim-long", "fuzz", "chaos", "model", "crash",
		"hostile"} {
		if !strings.Contains(page, "make "+target) {
			t.Errorf("the page does not describe make %s", target)
		}
	}
}
