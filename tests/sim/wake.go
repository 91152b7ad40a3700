package sim

import (
	"time"

	"millrace/shared/store"
)

// "wake": the row wakes no later than its earliest need (R7), according to the definition and the
// history: the end of a Wait, of a pause before a retry, of a task's time limit and of the
// execution's. Work that is ready and that no process has taken is a need 30 s later, 120 s after a
// claim. The check allows twice the difference of clocks, because the clock that computed the time
// may have been set back.
//
// judgeStoredWake makes the same check with the interpreter's needs, which include leases and the
// outbox.
func (w *World) judgeWake(p *process, r *run, x *store.Execution) {
	if x.Status.Final() || x.SweepAttempts > 0 {
		return
	}
	now := p.now().UnixMilli()
	need := int64(0)
	why := ""
	sooner := func(t int64, what string) {
		if need == 0 || t < need {
			need, why = t, what
		}
	}
	readyAt := now + readyWakes.Milliseconds()
	if x.Version == 1 {
		readyAt = now + claimWakes.Milliseconds()
	}
	if len(r.visits.open) == 0 {
		sooner(readyAt+slack, "its first state")
	}
	for _, v := range r.visits.open {
		if v.leaf() && !w.rests(v) && !v.failed && len(v.state.Retry) == 0 {
			sooner(readyAt+slack, "state "+v.state.Name)
		}
	}
	if r.cut {
		sooner(max(readyAt, r.x.Started+claimWakes.Milliseconds())+slack, "what was cut off")
	} else {
		r.timers(func(_ *visit, what string, due int64) { sooner(due, what) })
	}
	w.checked("wake")
	if x.Wake == 0 || x.Wake > max(need, now+1)+2*w.faults.skew.Milliseconds() {
		w.violate("wake", "%s v%d wakes at %d, and has something to do at %d: %s; it is %d",
			x.Partition(), x.Version, x.Wake, need, why, time.Now().UnixMilli())
	}
}
