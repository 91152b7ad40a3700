package sim

import (
	"fmt"
)

// "late lease": a call whose caller is gone is made again.
//
// The lease in the row says until when no other process may call. It counts as expired 10 s later
// (the margin for different clocks). Then the row wakes and a sweep finds it: bound 90 s after the
// end of the lease, and 90 s more after faults. A process that owns its store does not wait for the
// end of its predecessor's leases; this bound covers that too. A call that is in flight in a live
// process, or has returned there, is not lost (see "late result").
func (w *World) owesLeases(r *run, owe func(obligation)) {
	if r.x.Status.Final() {
		return
	}
	for _, v := range r.visits.open {
		if !v.leaf() || !v.calling() || !v.attempt.started || v.attempt.submitted {
			continue
		}
		key := keyOf(r.x.Run, v.attempt.id)
		if w.tasks.isHeld(key) || w.tasks.full(r) {
			continue
		}
		due := max(w.tasks.leases[key].until+leaseMargin, w.tasks.lastFinished(r))
		owe(obligation{"late lease", due, w.latest(due, 0),
			fmt.Sprintf("the call of attempt %d of %s", v.attempt.id, v.state.Name)})
	}
}

// keyOf is the idempotency key of an attempt.
func keyOf(run uint64, attempt int64) string {
	return fmt.Sprintf("%016x%016x", run, uint64(attempt))
}

// runOfKey returns the run that a key belongs to.
func runOfKey(key string) (run uint64) {
	fmt.Sscanf(key[:16], "%016x", &run)
	return run
}
