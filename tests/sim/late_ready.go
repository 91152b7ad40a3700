package sim

import (
	"fmt"
	"time"

	"millrace/shared/flow"
)

// "late ready": a state that can proceed does.
//
// A commit that leaves something ready relies on a hint. In case the hint is lost, the row wakes 30
// s later (120 s after a claim) and a sweep finds it: bound 110 s (200 s after a claim), and 90 s
// more after faults. If the maximum number of the execution's calls is in flight, an attempt may
// wait for one of them to end; in functions it may if any call is in flight, because the invocation
// may have no time for another one.
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
		if !v.calling() && len(v.state.Retry) > 0 { // perhaps it pauses, and no event shows it
			// faults may have delayed the end of a pause, and so the next ones (2001781)
			if base <= w.quiescedAt {
				due = w.latest(base, readyWakes)
			}
			most, _ := v.pauses()
			due += most + w.sweepsOf(v)
		}
		owe(obligation{"late ready", due, w.latest(due, readyWakes),
			fmt.Sprintf("the next event of state %s (event %d, after %s)", v.state.Name,
				v.id, v.last)})
	}
}

// The latest wake time of a row after a commit that leaves something ready
// (docs/protocol.md#wake-times).
const (
	readyWakes = 30 * time.Second
	claimWakes = 120 * time.Second
)

// rests reports whether a state waits: for a timer, the result of a call, or a report.
func (w *World) rests(v *visit) bool {
	switch n, known := v.timer(); {
	case known && n > 0:
		return true
	case v.calling():
		return v.attempt.started
	case v.last == flow.MapRunStarted:
		return true // its children are judged themselves
	case v.state.Kind == flow.Wait && (v.last == flow.StateStarted || v.last == flow.StepStarted):
		return !known // a time of day, for example
	}
	return false
}
