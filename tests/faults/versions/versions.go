// Package versions provides tests with the code of another commit, so that programs of both commits
// work on the same rows. make versions runs these tests. Without a commit they are skipped, because
// a checkout may have no history.
package versions

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"millrace/tests/clouds"
)

// Variable is the environment variable that names the other commit.
const Variable = "MILLRACE_BEFORE"

// Other is another commit of this repository.
type Other struct {
	Dir      string // its files
	SameRows bool   // the format numbers of its rows are those of this commit
}

// other provides it, once in a process.
var other = sync.OnceValues(func() (*Other, error) {
	root, err := clouds.Root()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "millrace-before-")
	if err != nil {
		return nil, err
	}
	o := &Other{Dir: dir}
	if err := extract(root, os.Getenv(Variable), dir); err != nil {
		return o, err
	}
	theirs, err := formats(dir)
	if err != nil {
		return o, err
	}
	ours, err := formats(root)
	o.SameRows = maps.Equal(theirs, ours)
	return o, err
})

// OtherCommit returns the other commit, or skips the test.
func OtherCommit(t testing.TB) *Other {
	t.Helper()
	commit := os.Getenv(Variable)
	if commit == "" {
		t.Skip("no other commit is named: make versions BEFORE=<commit>")
	}
	o, err := other()
	if err != nil {
		t.Fatalf("%s=%s: %v", Variable, commit, err)
	}
	return o
}

// Remove removes the files of the other commit. A process calls it before it exits.
func Remove() {
	if os.Getenv(Variable) == "" {
		return
	}
	if o, _ := other(); o != nil {
		os.RemoveAll(o.Dir)
	}
}

// extract writes the files of a commit into a folder.
func extract(root, commit, dir string) error {
	packed := filepath.Join(dir, ".tar")
	for _, words := range [][]string{
		{"git", "-C", root, "archive", "--format=tar", "-o", packed, commit + "^{commit}"},
		{"tar", "-xf", packed, "-C", dir},
	} {
		if text, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", words[0], err, text)
		}
	}
	return os.Remove(packed)
}

// number matches a format number of rows in the sources of shared/store.
var number = regexp.MustCompile(`(?m)^const (\w*(?:Fmt|Format)) = (\d+)$`)

// formats returns the numbers of all formats of rows that a checkout writes.
func formats(dir string) (map[string]string, error) {
	found := map[string]string{}
	read := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range number.FindAllSubmatch(text, -1) {
			found[string(m[1])] = string(m[2])
		}
		return err
	}
	err := filepath.WalkDir(filepath.Join(dir, "shared/store"), read)
	for _, name := range []string{"executionFmt", "flowFmt", "inboxEntryFmt", "rowFormat"} {
		if err == nil && found[name] == "" {
			err = fmt.Errorf("%s: shared/store has no constant %s", dir, name)
		}
	}
	return found, err
}

// Server builds the other commit's server and returns its path.
func (o *Other) Server(t testing.TB) string {
	t.Helper()
	path := filepath.Join(o.Dir, "bin", "millrace")
	command := "./cmd/millrace"
	if _, err := os.Stat(filepath.Join(o.Dir, command)); err != nil {
		command = "./functions/local" // where commits before have it
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, command)
	cmd.Dir = o.Dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build of the other commit: %v\n%s", err, text)
	}
	return path
}
