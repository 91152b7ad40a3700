package layout_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"
)

// cited matches a Markdown page that a file names, with the section if it has one. Code, models,
// scripts and data name pages by their path in the repository (docs/protocol.md#commit), pages also
// by a path from their own folder.
var cited = regexp.MustCompile(`[\w.:/-]*[\w-]\.md\b(?:#[\w-]+)?`)

// link matches a link of Markdown and captures its target. The text may go over two lines.
var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// citationFaults returns what the files of a tree cite and the tree does not have: pages, sections
// of pages, and targets of links.
func citationFaults(tree fs.FS) (faults []string, checked int, err error) {
	c := citations{tree: tree, sections: map[string]map[string]bool{}}
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && isForeign(name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) == ".pgo" || citesNothing[name]:
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil || !utf8.Valid(text) {
			return err
		}
		c.file(name, string(text))
		return nil
	})
	return c.faults, c.checked, err
}

// citesNothing lists the tests of such checks: they name pages that are not there.
var citesNothing = map[string]bool{
	"tests/layout/citations_test.go": true, "tests/e2e/tutorial/outofstep_test.go": true,
}

// isForeign reports whether a folder holds what is not the repository's: dependencies, caches, the
// history.
func isForeign(name string) bool {
	base := path.Base(name)
	return base == "node_modules" || name == "bin" ||
		strings.HasPrefix(base, ".") && base != "." && base != ".ci"
}

// citations checks citations in the files of a tree.
type citations struct {
	tree     fs.FS
	sections map[string]map[string]bool // by page
	faults   []string
	checked  int
}

func (c *citations) file(name, text string) {
	if path.Ext(name) == ".md" {
		prose := withoutCode(text)
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			if !strings.Contains(m[1], ":") { // another protocol
				c.check(name, m[1], path.Dir(name))
			}
		}
		text = link.ReplaceAllString(text, "]")
	}
	for _, target := range cited.FindAllString(text, -1) {
		switch {
		case strings.Contains(target, ":"):
		case path.Dir(name) == "tests/e2e/docs": // it reads the pages of docs by their names
			c.check(name, target, path.Dir(name), "docs", ".")
		default:
			c.check(name, target, path.Dir(name), ".")
		}
	}
}

// check checks that a target exists in one of the folders.
func (c *citations) check(from, target string, folders ...string) {
	c.checked++
	name, section, hasSection := strings.Cut(target, "#")
	page := from
	if name != "" {
		page = ""
		for _, folder := range folders {
			full := path.Join(folder, name)
			if _, err := fs.Stat(c.tree, full); err == nil {
				page = full
				break
			}
		}
	}
	switch {
	case page == "":
		c.faults = append(c.faults, fmt.Sprintf("%s: there is no %s", from, name))
	case hasSection && path.Ext(page) == ".md" && !c.sectionsOf(page)[section]:
		c.faults = append(c.faults, fmt.Sprintf("%s: %s has no section #%s", from, page, section))
	}
}

// sectionsOf returns the anchors of a page.
func (c *citations) sectionsOf(page string) map[string]bool {
	if known := c.sections[page]; known != nil {
		return known
	}
	found := map[string]bool{}
	if text, err := fs.ReadFile(c.tree, page); err == nil {
		for _, line := range strings.Split(withoutBlocks(string(text)), "\n") {
			title, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
			if !isHeading || !strings.HasPrefix(line, "#") {
				continue
			}
			anchor := anchorOf(title)
			for n := 1; found[anchor]; n++ {
				anchor = fmt.Sprintf("%s-%d", anchorOf(title), n)
			}
			found[anchor] = true
		}
	}
	c.sections[page] = found
	return found
}

// anchorOf returns the anchor that GitHub gives a heading.
func anchorOf(title string) string {
	title = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(title, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(title))
}

// withoutBlocks returns a page without its blocks of code.
func withoutBlocks(text string) string {
	var out strings.Builder
	inside := false
	for line := range strings.SplitAfterSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inside = !inside
		} else if !inside {
			out.WriteString(line)
		}
	}
	return out.String()
}

// withoutCode returns a page without its blocks of code and without code in its lines.
func withoutCode(text string) string {
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(withoutBlocks(text), "code")
}

// TestCitations: each Markdown page that a file of the repository cites exists and has the cited
// section, and each relative link of a page leads to something.
func TestCitations(t *testing.T) {
	faults, checked, err := citationFaults(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
	if checked < 300 {
		t.Errorf("only %d citations were found", checked)
	}
}

// TestCitationFaults: what TestCitations must find.
func TestCitationFaults(t *testing.T) {
	tree := fstest.MapFS{
		"docs/a.md": {Data: []byte("# A\n\n## The `Step`, *twice*\n\n## Same\n\n## Same\n" +
			"[b](b.md#b) [here](#same-1) [tree](../shared) `[no](none.md` [out](https://x.y/z.md)\n" +
			"```\n[no](none)\n# not a heading\n```\n")},
		"docs/b.md":             {Data: []byte("# B\n\n[a](a.md#the-step-twice)\n")},
		"shared/a.go":           {Data: []byte("// docs/a.md#same, https://x.y/none.md, R1\n")},
		"tests/node_modules/a":  {Data: []byte("none.md")},
		"tests/t.go":            {Data: []byte("// docs/a.md#not-a-heading\n// api.md 4.1\n")},
		"tests/testdata/x.json": {Data: []byte(`{"about": "fdl.md"}`)},
		"docs/c.md": {Data: []byte("[a](a.md#wrong) [over two\nlines](none.md)\n" +
			"[self](#nowhere) [d](docs/a.md) [gone](../gone)\n")},
	}
	found, _, err := citationFaults(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"docs/a.md: there is no none.md", // in code, too, a page must exist
		"docs/c.md: docs/a.md has no section #wrong",
		"docs/c.md: there is no none.md",
		"docs/c.md: docs/c.md has no section #nowhere",
		"docs/c.md: there is no docs/a.md",
		"docs/c.md: there is no ../gone",
		"tests/t.go: docs/a.md has no section #not-a-heading",
		"tests/t.go: there is no api.md",
		"tests/testdata/x.json: there is no fdl.md",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found:\n%s", strings.Join(found, "\n"))
	}
}

// TestRulesAreDefined: docs/protocol.md defines the rules R1 to R10, each once.
func TestRulesAreDefined(t *testing.T) {
	var numbers []string
	for _, m := range regexp.MustCompile(`(?m)^### (R\d+)\. `).
		FindAllStringSubmatch(read(t, "docs/protocol.md"), -1) {
		numbers = append(numbers, m[1])
	}
	want := []string{"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10"}
	if !slices.Equal(numbers, want) {
		t.Errorf("docs/protocol.md defines %v", numbers)
	}
}

// TestDecisionsAreListed: the index of decisions and ARCHITECTURE.md have each page once.
func TestDecisionsAreListed(t *testing.T) {
	entries, err := os.ReadDir("../../docs/decisions")
	if err != nil {
		t.Fatal(err)
	}
	index, architecture := read(t, "docs/decisions/README.md"), read(t, "ARCHITECTURE.md")
	for _, e := range entries {
		if e.Name() == "README.md" {
			continue
		}
		if n := strings.Count(index, "]("+e.Name()+") |"); n != 1 {
			t.Errorf("docs/decisions/README.md lists %s %d times", e.Name(), n)
		}
		if n := strings.Count(architecture, "](docs/decisions/"+e.Name()+") |"); n != 1 {
			t.Errorf("ARCHITECTURE.md lists %s %d times", e.Name(), n)
		}
		page := read(t, "docs/decisions/"+e.Name())
		for _, part := range []string{"Problem", "Choice", "Alternatives", "Consequences"} {
			if !strings.Contains(page, "\n## "+part+"\n") {
				t.Errorf("docs/decisions/%s has no section %s", e.Name(), part)
			}
		}
	}
}
