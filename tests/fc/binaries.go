package fc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// functions are the names of the functions: those of their folders and of their binaries.
var functions = []string{"api", "steprunner", "starter", "sweeper"}

// movedClock is the build tag of functions whose executions go by the clock of Stack.Ahead.
const movedClock = ",millrace_testclock"

// builds are the folders of the binaries that this process has made, by build tags.
var builds = struct {
	mu   sync.Mutex
	dirs map[string]string
}{dirs: map[string]string{}}

// Binary compiles the functions as they are deployed, once in a process, and gives the path of one of them. With clock
// their executions go by a clock of the test's.
func Binary(t testing.TB, function string, clock bool) string {
	t.Helper()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	tags := "lambda.norpc,millrace_alibaba"
	if clock {
		tags += movedClock
	}
	if builds.dirs[tags] == "" {
		dir, err := os.MkdirTemp("", "millrace-functions-")
		if err != nil {
			t.Fatal(err)
		}
		if err := compile(dir, tags); err != nil {
			os.RemoveAll(dir)
			t.Fatal(err)
		}
		builds.dirs[tags] = dir
	}
	return filepath.Join(builds.dirs[tags], function)
}

func compile(dir, tags string) error {
	args := []string{"build", "-tags", tags, "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", dir + "/"}
	for _, f := range functions {
		args = append(args, "millrace/functions/"+f)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, text)
	}
	return nil
}

// RemoveBinaries removes what Binary has made: at the end of a process.
func RemoveBinaries() {
	builds.mu.Lock()
	defer builds.mu.Unlock()
	for tags, dir := range builds.dirs {
		os.RemoveAll(dir)
		delete(builds.dirs, tags)
	}
}
