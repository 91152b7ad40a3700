package layout_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What pages name between backquotes: tests, files of the code, targets of make.
var (
	testName = regexp.MustCompile(`^(?:Test|Fuzz)[A-Z]\w*$`)
	fileName = regexp.MustCompile(`^[\w./-]+\.(?:go|pml)$`)
	makeName = regexp.MustCompile(`^make ([a-z-]+)`)
)

// TestNamesInPages: the tests, files and make targets that the pages about the protocol, the
// decisions and contributing name exist.
func TestNamesInPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../../docs/protocol.md", "../../CONTRIBUTING.md")
	tests, makefile, checked := testFunctions(t), read(t, "Makefile"), 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(withoutBlocks(string(text)), -1) {
			name, missing := m[1], false
			target := makeName.FindStringSubmatch(name)
			switch {
			case testName.MatchString(name):
				missing = !tests[name]
			case fileName.MatchString(name):
				missing = !exists(name) && !exists("shared/"+name) && !exists("tests/model/"+name)
			case target != nil:
				missing = !strings.Contains(makefile, "\n"+target[1]+":")
			default:
				continue
			}
			if checked++; missing {
				t.Errorf("%s: there is no %s", filepath.Base(page), name)
			}
		}
	}
	if checked < 80 {
		t.Errorf("only %d names were found", checked)
	}
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join("../..", name))
	return err == nil
}

// testFunctions returns the names of all tests and fuzz targets.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	each(t, func(path string, _ *token.FileSet, file *ast.File) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasSuffix(path, "_test.go") {
				names[f.Name.Name] = true
			}
		}
	})
	return names
}
