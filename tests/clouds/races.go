package clouds

import (
	"strings"
	"sync/atomic"
	"testing"
)

// Races searches the output of functions for reports of the race detector and for uncaught panics.
// Set Log as the log of each function.
type Races struct{ found atomic.Pointer[string] }

// Log checks a line.
func (r *Races) Log(line string) {
	if strings.Contains(line, "WARNING: DATA RACE") || strings.HasPrefix(line, "panic: ") ||
		strings.HasPrefix(line, "fatal error: ") {
		r.found.CompareAndSwap(nil, &line)
	}
}

// Check fails the test if there was one.
func (r *Races) Check(t testing.TB, function string) {
	t.Helper()
	if line := r.found.Load(); line != nil {
		t.Errorf("%s: %s", function, *line)
	}
}
