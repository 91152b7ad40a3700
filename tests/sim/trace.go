package sim

import (
	"fmt"
	"hash/fnv"
	"io"
	"time"
)

// trace keeps the last lines of a run, and a checksum of all of them.
type trace struct {
	lines []string // a ring
	next  int
	total int
	sum   uint64
	out   io.Writer // nil: only the ring
}

// traceKept is the number of lines that a failure shows.
const traceKept = 120

// tracef records a step. Only the scheduler's goroutine calls it.
func (w *World) tracef(format string, args ...any) {
	t := &w.trace
	line := fmt.Sprintf("%9.3f ", time.Since(w.begun).Seconds()) + fmt.Sprintf(format, args...)
	h := fnv.New64a()
	fmt.Fprintf(h, "%x", t.sum)
	io.WriteString(h, line)
	t.sum = h.Sum64()
	t.total++
	if len(t.lines) < traceKept {
		t.lines = append(t.lines, line)
	} else {
		t.lines[t.next] = line
		t.next = (t.next + 1) % traceKept
	}
	if t.out != nil {
		fmt.Fprintln(t.out, line)
	}
}

// tail returns the last lines.
func (t *trace) tail() []string {
	return append(append([]string{}, t.lines[t.next:]...), t.lines[:t.next]...)
}
