package sim

import (
	"millrace/shared/store"
	"time"
)

// "put off": an execution that is found due is postponed for 1 min, doubled each time up to an
// hour, and no longer. Without faults a process takes it up right after that, which resets the
// count.
//
// Bound of the second: 80 s after it was found due, and 90 s more after faults. For a poison
// execution, and executions that may have been in the same process, only the first part holds.
func (w *World) owesTaking(r *run, owe func(obligation)) {
	if r.x.SweepAttempts == 0 || r.x.Status.Final() || r.found <= w.quiescedAt ||
		w.poison.partition != "" {
		return
	}
	owe(obligation{"put off", r.found, w.latest(r.found, 0), "its being taken up"})
}

// judgePutOff checks a commit by which an execution was found due.
func (w *World) judgePutOff(p *process, r *run, old, x *store.Execution) {
	if old != nil && old.SweepAttempts > 0 && x.SweepAttempts == 0 {
		r.excuse = min(r.excuse, time.Now().UnixMilli())
	}
	if old == nil || x.SweepAttempts <= old.SweepAttempts {
		return
	}
	r.found = time.Now().UnixMilli()
	w.checked("put off")
	if r.found <= w.quiescedAt || !w.quiesced || w.poison.partition != "" {
		r.excuse = x.Wake
	}
	backoff := min(time.Minute<<min(old.SweepAttempts, 6), time.Hour)
	most := p.now().Add(backoff).UnixMilli() + 2*w.faults.skew.Milliseconds() + 1
	if x.Wake > max(most, old.Wake) {
		w.violate("put off", "%s v%d: found due %d times, it is put off until %d, at most until %d",
			x.Partition(), x.Version, x.SweepAttempts, x.Wake, most)
	}
}
