package sim

import (
	"fmt"

	"millrace/shared/flow"
)

// "late timer": waits, pauses before a retry, time limits of tasks and of executions end in time.
//
// When they end is read from the definition and the history: a Wait begins with its Started event, an
// attempt with its TaskScheduled, a pause with the event that the attempt failed by; the claim fixes
// the execution's deadline. The row wakes at that time at the latest, and a sweep finds it: bound 80 s
// (a sweep, and 20 s for clocks and steps), and 90 s more after faults, for processes to come back.
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

// timers tells of each time at which an execution has to go on by itself, and the state that waits for
// it; nil: the execution.
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
				tell(v, fmt.Sprintf("the time limit of task %s (event %d)", v.state.Name, v.attempt.id), v.attempt.at+n)
			}
		}
	}
}

// timer is how long a state is at rest after its last event, ms: a Wait, or a pause before a retry. It is
// not known of a state that may fail and be tried again without an event.
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

// sweepsOf is how much longer the pauses of a state may take together, ms, because the queue is out of
// order and sweeps alone find that one is over (4006988).
func (w *World) sweepsOf(v *visit) int64 {
	if w.queueHour.until.UnixMilli() <= v.base {
		return 0
	}
	_, times := v.pauses()
	return times * firstSweepMax.Milliseconds()
}

// silent reports whether a rule is for errors that leave no event while the state is tried again.
func (v *visit) silent() bool {
	for i := range v.state.Retry {
		for _, name := range v.state.Retry[i].Errors {
			if name == flow.ErrorAll || len(name) > 4 && name[:4] == "FnF." && name != flow.ErrTaskTimeout {
				return true
			}
		}
	}
	return false
}
