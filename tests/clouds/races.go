package clouds

import (
	"strings"
	"sync/atomic"
	"testing"
)

// Races watches what functions print for reports of the race detector, and for panics that nobody caught. Its Log is to
// be the log of each.
type Races struct{ found atomic.Pointer[string] }

// Log looks at a line.
func (r *Races) Log(line string) {
	if strings.Contains(line, "WARNING: DATA RACE") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
		r.found.CompareAndSwap(nil, &line)
	}
}

// Check fails the test when there was one.
func (r *Races) Check(t testing.TB, function string) {
	t.Helper()
	if line := r.found.Load(); line != nil {
		t.Errorf("%s: %s", function, *line)
	}
}
