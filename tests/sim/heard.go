package sim

import (
	"time"

	"millrace/shared/interp"
)

// "heard": in functions, an execution with something ready or unsent has an invocation that works
// on it, or a hint on its way.
//
// The sweeper would find an execution that has neither, so no other check notices a swallowed hint:
// one that an invocation acknowledges and leaves to another invocation that is already over. Bound:
// 20 s without either, for the steps from a commit to its hint. The invariant holds if there was
// neither since the commit that left the work, or since the end of an invocation, and no faults
// since then: an invocation that finds the execution ready sends no second hint, and a fault may
// have lost the first. It does not hold in runs with a poison execution, because processes that it
// kills take hints with them.
func (w *World) owesHint(r *run, owe func(obligation)) {
	partition := r.x.Partition()
	since := max(r.left, w.hintTracker.last[partition])
	if w.topology != functions || w.poison.enabled || since <= w.quiescedAt || r.left == 0 ||
		w.hintTracker.coming[partition] > 0 || w.working(partition) {
		return
	}
	owe(obligation{"heard", since, since + stepsTake.Milliseconds(),
		"a hint for what it has left ready"})
}

// noteLeft records since when an execution has work left, after a commit. before is its previous
// state; nil for a claim.
func (r *run) noteLeft(before *interp.State, now int64) {
	left := func(s *interp.State) bool { return s != nil && (s.Ready() || s.Unsent()) }
	switch {
	case !left(r.state):
		r.left = 0
	case r.left == 0 || !left(before):
		r.left = now
	}
}

// hintTracker tracks hints, by partition. Only the scheduler's goroutine uses it.
type hintTracker struct {
	coming map[string]int // hints on their way that arrive soon
	// last arrival at a process, or end of an invocation that had not died, ms since 1970
	last map[string]int64
}

func newHintTracker() hintTracker { return hintTracker{map[string]int{}, map[string]int64{}} }

// sent records a hint that arrives after delay, and returns a function that records its arrival. A
// hint that takes longer than stepsTake is for a timer.
func (h *hintTracker) sent(partition string, delay time.Duration) (came func()) {
	if delay > stepsTake {
		return func() {}
	}
	h.coming[partition]++
	return func() { h.coming[partition]-- }
}

func (h *hintTracker) noteArrival(partition string) { h.last[partition] = time.Now().UnixMilli() }

// working reports whether an invocation works on an execution.
func (w *World) working(partition string) bool {
	for _, v := range w.invocations {
		if v.partition == partition && !v.by.isDead() {
			return true
		}
	}
	return false
}
