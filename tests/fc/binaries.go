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

// built is the folder of the binaries that this process has made.
var built struct {
	mu  sync.Mutex
	dir string
}

// Binary compiles the functions as they are deployed, once in a process, and gives the path of one of them.
func Binary(t testing.TB, function string) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "millrace-functions-")
		if err != nil {
			t.Fatal(err)
		}
		if err := compile(dir); err != nil {
			os.RemoveAll(dir)
			t.Fatal(err)
		}
		built.dir = dir
	}
	return filepath.Join(built.dir, function)
}

func compile(dir string) error {
	args := []string{"build", "-tags", "lambda.norpc,millrace_alibaba", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", dir + "/"}
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
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.dir != "" {
		os.RemoveAll(built.dir)
		built.dir = ""
	}
}
