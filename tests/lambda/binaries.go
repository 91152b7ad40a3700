package lambda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// movedClock is the build tag of functions whose executions go by the clock of a Clock.
const movedClock = "millrace_testclock"

// Functions are the names of the functions: those of their folders and of their binaries.
var Functions = []string{"api", "steprunner", "starter", "sweeper"}

// builds are the folders of binaries that this process has made, by build tags.
var builds = struct {
	mu   sync.Mutex
	dirs map[string]string
}{dirs: map[string]string{}}

// Binary compiles the functions as they are deployed, once in a process, and gives the path of one of them. Tags are
// added to those of a deployment.
func Binary(t testing.TB, function string, tags ...string) string {
	t.Helper()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	key := strings.Join(append([]string{"lambda.norpc", "millrace_aws"}, tags...), ",")
	if builds.dirs[key] == "" {
		dir, err := compile(key)
		if err != nil {
			t.Fatal(err)
		}
		builds.dirs[key] = dir
	}
	return filepath.Join(builds.dirs[key], function)
}

func compile(tags string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "millrace-functions-")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-tags", tags, "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", dir + "/"}
	for _, f := range Functions {
		args = append(args, "./functions/"+f)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("go build: %w\n%s", err, text)
	}
	return dir, nil
}

// removeBinaries removes what Binary has made.
func removeBinaries() {
	builds.mu.Lock()
	defer builds.mu.Unlock()
	for key, dir := range builds.dirs {
		os.RemoveAll(dir)
		delete(builds.dirs, key)
	}
}

// Root is the folder of the repository, above the working directory.
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
