// Package live runs the built server as a separate process, for tests that kill it, exhaust its
// resources or attack it.
package live

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the folder of the binary; "" if there is none.
var built string

// build compiles the server, once in a process. MILLRACE_CRASH_RACE adds the race detector.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "millrace-live-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "millrace")
	args := []string{"build", "-o", path}
	if os.Getenv("MILLRACE_CRASH_RACE") != "" {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "millrace/cmd/millrace")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	// Some tests run it as another user.
	return path, os.Chmod(dir, 0o755)
})

// Binary returns the path of the built server.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Main runs the tests, then removes the binary and calls ends. TestMain calls it.
func Main(m *testing.M, ends ...func()) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	for _, end := range ends {
		end()
	}
	os.Exit(code)
}
