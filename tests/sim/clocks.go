package sim

import (
	"slices"
	"time"

	"millrace/shared/task"
)

// clockMargin is by how much clocks of processes may differ. Up to it nobody begins a call whose lease
// another process has taken over, and everything else holds. Beyond it a call may be made twice at
// once, and waits are off by what the clocks are; still each attempt counts once, and everything ends.
const clockMargin = 10 * time.Second

const withoutWild = "clocks beyond the margin"

// drawClocks draws whether clocks differ by more than the margin, as they do where nobody sets them.
// An owner of its store has leases of its own alone, so there they make no difference.
func (w *World) drawClocks() {
	if w.topology == embedded || w.number(withoutWild)%12 > 0 || slices.Contains(w.without, withoutWild) {
		return
	}
	w.faults.skew = []time.Duration{8 * time.Second, 30 * time.Second, 2 * time.Minute, 15 * time.Minute}[w.number("how wild")%4]
	w.faults.jump = odds{"clock moved", max(w.faults.jump.of, 20)}
	w.kinds["run with clocks beyond the margin"]++
}

// wild reports whether clocks of processes may differ by more than the margin.
func (w *World) wild() bool { return 2*w.faults.skew > clockMargin }

// slack is what a time that a process has reckoned may be off by, and then some, ms.
func (w *World) slack() int64 { return slack + 2*w.faults.skew.Milliseconds() }

// judgeCaller checks who begins a call: it stands in a durable row that the call is the caller's
// ("durable call"), and nobody else had taken it over when the caller last looked ("one caller").
func (k *tasks) judgeCaller(p *process, r *task.Request, asked time.Time) {
	w, l := k.w, k.leases[r.Key]
	if w.expresses.isExpress(runOfKey(r.Key)) {
		return // kept nowhere
	}
	w.checked("durable call")
	if len(l.held) > 1 {
		w.checked("one caller")
	}
	switch {
	case !slices.Contains(l.held, p.owner):
		w.violate("durable call", "%s calls %s of %s, and no row that is durable gives it the call", p.name, r.State, r.Execution)
	case l.owner == p.owner || !asked.After(l.since):
	case w.wild():
		w.kinds["called after another had taken the call over, by clocks beyond the margin"]++
	default:
		w.violate("one caller", "%s calls %s of %s, %v after another process has taken it over", p.name, r.State, r.Execution, asked.Sub(l.since))
	}
}
