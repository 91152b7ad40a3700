package clouds

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Cloud is a cloud that functions are compiled for: its build tag.
type Cloud string

// The clouds.
const (
	AWS     Cloud = "millrace_aws"
	Alibaba Cloud = "millrace_alibaba"
)

// Functions are the names of the functions, which are those of their folders and binaries.
var Functions = []string{"api", "steprunner", "starter", "sweeper"}

// Build says how functions are compiled.
type Build struct {
	Cloud Cloud
	Clock bool   // executions use a Clock
	Race  bool   // with the race detector, if the test has it, too; without: as they are deployed
	Dir   string // the checkout to compile; "": this one
}

// builds are the folders of binaries that this process has compiled.
var builds = struct {
	mu   sync.Mutex
	dirs map[Build]string
}{dirs: map[Build]string{}}

// Binary compiles the functions, each build once in a process, and returns the path of one of them.
func Binary(t testing.TB, function string, b Build) string {
	t.Helper()
	b.Race = b.Race && raced
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if builds.dirs[b] == "" {
		dir, err := os.MkdirTemp("", "millrace-functions-")
		if err != nil {
			t.Fatal(err)
		}
		builds.dirs[b] = dir
		if err := compile(dir, b); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(builds.dirs[b], function)
}

// compile compiles all functions into a folder.
func compile(dir string, b Build) error {
	tags := []string{"lambda.norpc", string(b.Cloud)}
	if b.Clock {
		tags = append(tags, "millrace_testclock")
	}
	args := []string{"build", "-tags", strings.Join(tags, ","), "-buildvcs=false", "-o", dir + "/"}
	cgo := "CGO_ENABLED=0"
	if b.Race {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	} else {
		args = append(args, "-trimpath", "-ldflags", "-s -w -buildid=")
	}
	for _, f := range Functions {
		args = append(args, "millrace/functions/"+f)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = b.Dir
	cmd.Env = append(os.Environ(), cgo)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, text)
	}
	return nil
}

// RemoveBinaries removes the binaries of Binary. A process calls it before it exits.
func RemoveBinaries() {
	builds.mu.Lock()
	defer builds.mu.Unlock()
	for b, dir := range builds.dirs {
		os.RemoveAll(dir)
		delete(builds.dirs, b)
	}
}

// Root returns the folder of the repository, above the working directory.
func Root() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "template.yaml")); err == nil {
			return at, nil
		}
		above := filepath.Dir(at)
		if above == at {
			return "", fmt.Errorf("no folder above has template.yaml")
		}
		at = above
	}
}
