package sim

import (
	"slices"
	"time"

	"millrace/shared/task"
)

// clockMargin is the largest difference of process clocks under which no process begins a call
// whose lease another process has taken over. Up to it every invariant holds. Beyond it a call may
// be made twice at once, and waits are off by the difference of the clocks; even then each attempt
// counts once, and everything ends.
const clockMargin = 10 * time.Second

const withoutWild = "clocks beyond the margin"

// drawClocks decides whether clocks differ by more than the margin, as clocks do that are not
// synchronized. A process that owns its store sees no leases of other processes, so there the
// clocks make no difference.
func (w *World) drawClocks() {
	if w.topology == embedded || w.number(withoutWild)%12 > 0 ||
		slices.Contains(w.without, withoutWild) {
		return
	}
	w.faults.skew = []time.Duration{8 * time.Second, 30 * time.Second, 2 * time.Minute,
		15 * time.Minute}[w.number("how wild")%4]
	w.faults.jump = odds{"clock moved", max(w.faults.jump.of, 20)}
	w.kinds["run with clocks beyond the margin"]++
}

// wild reports whether clocks of processes may differ by more than the margin.
func (w *World) wild() bool { return 2*w.faults.skew > clockMargin }

// slack is the possible error of a time that a process has computed, plus a reserve, in ms.
func (w *World) slack() int64 { return slack + 2*w.faults.skew.Milliseconds() }

// judgeCaller checks a process that begins a call: a durable row must assign the call to it
// ("durable call"), and no other process had taken the call over when the caller last looked ("one
// caller").
func (k *tasks) judgeCaller(p *process, r *task.Request, asked time.Time) {
	w := k.w
	if w.expresses.isExpress(runOfKey(r.Key)) {
		return // not stored at all
	}
	l := k.leases[w.expresses.children.leaseOf(r.Key)]
	w.checked("durable call")
	if len(l.held) > 1 {
		w.checked("one caller")
	}
	switch {
	case !slices.Contains(l.held, p.owner):
		w.violate("durable call", "%s calls %s of %s, and no row that is durable gives it the call",
			p.name, r.State, r.Execution)
	case l.owner == p.owner || !asked.After(l.since):
	case w.wild():
		w.kinds["called after another had taken the call over, by clocks beyond the margin"]++
	default:
		w.violate("one caller", "%s calls %s of %s, %v after another process has taken it over",
			p.name, r.State, r.Execution, asked.Sub(l.since))
	}
}
