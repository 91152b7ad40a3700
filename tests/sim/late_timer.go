package sim

import (
	"fmt"

	"millrace/shared/flow"
)

// "late timer": waits, pauses before a retry, time limits of tasks and of executions end in time.
//
// The definition and the history show when they end: a Wait begins with its Started event, an
// attempt with its TaskScheduled, a pause with the event by which the attempt failed; the claim
// sets the execution's deadline. The row wakes at that time at the latest, and a sweep finds it:
// bound 80 s (a sweep, and 20 s for clocks and steps), and 90 s more after faults, for processes to
// restart.
func (w *World) owesTimers(r *run, owe func(obligation)) {
	if r.x.Status.Final() {
		return
	}
	r.timers(func(v *visit, what string, due int64) {
		if v != nil && v.failed && v.silent() {
			due += w.sweepsOf(v)
		}
		owe(obligation{"late timer", due, w.latest(due, 0), what})
	})
}

// timers calls tell for each time at which an execution must proceed by itself, with the state that
// waits for it; nil: the execution.
func (r *run) timers(tell func(v *visit, what string, due int64)) {
	tell(nil, "its deadline", r.x.Deadline)
	for _, v := range r.visits.open {
		if !v.leaf() {
			continue
		}
		switch n, known := v.timer(); {
		case known && n > 0:
			tell(v, fmt.Sprintf("state %s (event %d)", v.state.Name, v.id), v.base+n)
		case v.calling():
			if n, known := v.timeout(); known && n > 0 {
				tell(v, fmt.Sprintf("the time limit of task %s (event %d)", v.state.Name,
					v.attempt.id), v.attempt.at+n)
			}
		}
	}
}

// timer returns how long a state rests after its last event, ms: in a Wait, or in a pause before a
// retry. That is not known for a state that can fail and be retried without an event.
func (v *visit) timer() (ms int64, known bool) {
	switch {
	case v.state.Kind == flow.Wait && (v.last == flow.StateStarted || v.last == flow.StepStarted):
		return v.wait()
	case v.calling():
		return 0, false
	case v.failed && len(v.state.Retry) > 0:
		if v.silent() {
			most, _ := v.pauses()
			return most, true
		}
		return v.pause, true
	}
	return 0, false
}

// sweepsOf returns how much longer the pauses of a state may take together, ms, if the queue is out
// of order and only sweeps find that a pause is over (4006988).
func (w *World) sweepsOf(v *visit) int64 {
	if w.queueHour.until.UnixMilli() <= v.base {
		return 0
	}
	_, times := v.pauses()
	return times * firstSweepMax.Milliseconds()
}

// silent reports whether a rule is for errors that write no event while the state is retried.
func (v *visit) silent() bool {
	for i := range v.state.Retry {
		for _, name := range v.state.Retry[i].Errors {
			if name == flow.ErrorAll || len(name) > 4 && name[:4] == "FnF." &&
				name != flow.ErrTaskTimeout {
				return true
			}
		}
	}
	return false
}
