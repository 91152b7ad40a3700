// Package crash_test kills the working server again and again, and checks that it loses nothing
// that it has acknowledged, and that nothing counts twice.
package crash_test

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/tests/faults/versions"
	"millrace/tests/support/live"
)

func TestMain(m *testing.M) { live.Main(m, versions.Remove) }

// TestOneOwner checks that a second process on the same directory is refused with a clear message,
// and that the first process goes on.
func TestOneOwner(t *testing.T) {
	s := live.New(t, live.Options{})
	s.Start()
	s.WaitReady()
	second := s.Command()
	second[slices.Index(second, "--listen")+1] = "127.0.0.1:0"
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, second[0], second[1:]...).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("a second server on the same directory runs: %v\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "in use by another process") ||
		!strings.Contains(text, "data") {
		t.Errorf("the second server says %q", text)
	}
	s.WaitReady()
	s.Shutdown()
}
