package sim

import (
	"time"

	"millrace/shared/interp"
)

// "heard": in functions, whatever is left ready or unsent has an invocation at work on it or a hint
// under way.
//
// The sweeper would find what has neither, so nothing else shows that a hint was swallowed: by an
// invocation that answers it with success and leaves it to another one that is over. Bound: 20 s
// without either, for what the steps take from a commit to the hint for it. It holds where neither
// has been there since the commit that made it so, or since the end of an invocation, when that was
// without faults: who finds it ready sends no second hint, and a fault may have lost the first. It
// does not hold in runs with an execution that brings its runners down, which take hints with them.
func (w *World) owesHint(r *run, owe func(obligation)) {
	partition := r.x.Partition()
	since := max(r.left, w.hintTracker.last[partition])
	if w.topology != functions || w.poison.enabled || since <= w.quiescedAt || r.left == 0 ||
		w.hintTracker.coming[partition] > 0 || w.working(partition) {
		return
	}
	owe(obligation{"heard", since, since + stepsTake.Milliseconds(), "a hint for what it has left ready"})
}

// noteLeft follows since when an execution has something left to do, after a commit; before is the
// state that it had, nil of a claim.
func (r *run) noteLeft(before *interp.State, now int64) {
	left := func(s *interp.State) bool { return s != nil && (s.Ready() || s.Unsent()) }
	switch {
	case !left(r.state):
		r.left = 0
	case r.left == 0 || !left(before):
		r.left = now
	}
}

// hintTracker is what the world knows of hints, by partition. Only the scheduler's goroutine touches it.
type hintTracker struct {
	coming map[string]int   // hints under way that come soon
	last   map[string]int64 // when one came to a process, or an invocation ended that had not died, ms since 1970
}

func newHintTracker() hintTracker { return hintTracker{map[string]int{}, map[string]int64{}} }

// sent notes a hint that is on its way for so long, and returns what notes that it has come. One
// that comes later than in stepsTake is for a timer.
func (h *hintTracker) sent(partition string, delay time.Duration) (came func()) {
	if delay > stepsTake {
		return func() {}
	}
	h.coming[partition]++
	return func() { h.coming[partition]-- }
}

func (h *hintTracker) noteArrival(partition string) { h.last[partition] = time.Now().UnixMilli() }

// working reports whether an invocation is at work on an execution.
func (w *World) working(partition string) bool {
	for _, v := range w.invocations {
		if v.partition == partition && !v.by.isDead() {
			return true
		}
	}
	return false
}
