package sim

import (
	"fmt"
	"time"

	"millrace/shared/flow"
)

// "late ready": what can go on does.
//
// A commit that leaves something ready counts on a hint, and lets the row wake 30 s later (120 s after a
// claim) in case that is lost; then a sweep finds it: bound 110 s (200 s after a claim), and 90 s more
// after faults. As long as as many calls of the execution are in flight as may be, or, in functions, any
// (the invocation may have no time for another one), a task's attempt may wait for their end.
func (w *World) owesReady(r *run, owe func(obligation)) {
	if r.x.Status.Final() {
		return
	}
	if len(r.visits.open) == 0 {
		due := max(r.x.Started, r.x.LastTime)
		owe(obligation{"late ready", due, w.latest(due, claimWakes), "its first state"})
	}
	for _, v := range r.visits.open {
		if !v.leaf() || w.rests(v) {
			continue
		}
		base := v.base
		if v.calling() {
			if w.tasks.full(r) {
				continue
			}
			base = max(v.attempt.at, w.tasks.lastFinished(r))
		}
		due := base
		if !v.calling() && len(v.state.Retry) > 0 { // perhaps it pauses, and no event says so
			if base <= w.quiescedAt { // faults may have put off the end of a pause, and so the next ones (2001781)
				due = w.latest(base, readyWakes)
			}
			most, _ := v.pauses()
			due += most + w.sweepsOf(v)
		}
		owe(obligation{"late ready", due, w.latest(due, readyWakes), fmt.Sprintf("the next event of state %s (event %d, after %s)", v.state.Name, v.id, v.last)})
	}
}

// How long after a commit the row wakes at the latest when something is ready (execution.md 1.7).
const (
	readyWakes = 30 * time.Second
	claimWakes = 120 * time.Second
)

// rests reports whether a state waits for something: a timer, the answer of a call, a report.
func (w *World) rests(v *visit) bool {
	switch n, known := v.timer(); {
	case known && n > 0:
		return true
	case v.calling():
		return v.attempt.started
	case v.state.Kind == flow.Wait && (v.last == flow.StateStarted || v.last == flow.StepStarted):
		return !known // until a time of day, say
	}
	return false
}
