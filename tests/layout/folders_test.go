package layout_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// folderRow matches a row of the table of tests/README.md: a folder, and what follows about it.
var folderRow = regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|(.*)$")

// folderFaults returns what is wrong with tests/README.md: it has a row for each folder of tests,
// and the row names each folder below that has tests.
func folderFaults(tests fs.FS) (faults []string, err error) {
	page, err := fs.ReadFile(tests, "README.md")
	if err != nil {
		return nil, err
	}
	rows := map[string]string{}
	for _, m := range folderRow.FindAllStringSubmatch(string(page), -1) {
		if rows[m[1]] = m[2]; !hasTests(tests, m[1]) {
			faults = append(faults, "no tests are in "+m[1])
		}
	}
	entries, err := fs.ReadDir(tests, ".")
	for _, e := range entries {
		row, listed := rows[e.Name()]
		if e.IsDir() && !listed {
			faults = append(faults, e.Name()+" has no row")
		}
		below, _ := fs.Glob(tests, e.Name()+"/*/*_test.go")
		for _, file := range below {
			name := path.Base(path.Dir(file))
			if listed && !strings.Contains(row, "`"+name+"`") {
				faults = append(faults, "the row of "+e.Name()+" does not name "+name)
				row += "`" + name + "`"
			}
		}
	}
	return faults, err
}

// hasTests reports whether a folder or one just below it has a test file.
func hasTests(tests fs.FS, folder string) bool {
	here, _ := fs.Glob(tests, folder+"/*_test.go")
	below, _ := fs.Glob(tests, folder+"/*/*_test.go")
	return len(here)+len(below) > 0
}

// TestFolders: tests/README.md lists the folders of tests.
func TestFolders(t *testing.T) {
	faults, err := folderFaults(os.DirFS("../../tests"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error("tests/README.md: " + fault)
	}
}

// TestFolderFaults: what TestFolders finds.
func TestFolderFaults(t *testing.T) {
	faults, err := folderFaults(fstest.MapFS{
		"README.md":            {Data: []byte("| folder | asks |\n| `a` | `b` |\n| `gone` | x |\n")},
		"a/b/b_test.go":        {},
		"a/c/c_test.go":        {},
		"a/c/d_test.go":        {},
		"a/testdata/x.json":    {},
		"new/new_test.go":      {},
		"new/below/_test.json": {},
	})
	want := "no tests are in gone; the row of a does not name c; new has no row"
	if got := strings.Join(faults, "; "); err != nil || got != want {
		t.Errorf("%v, %s", err, got)
	}
}
