package sim

import "millrace/shared/flow"

// "early": waits, pauses before a retry and time limits of tasks do not end before their time.
//
// A time limit ends by a clock that shows its time or more, and the event is written with it. A pause begins by a clock that may be behind the
// event that it follows, and what comes after a timer may be written by another process than the one that found it due: both may be too early by
// twice the difference of clocks.
func (w *World) judgeEarly(r *run, e *flow.HistoryEvent, v *visit) {
	least := int64(0)
	switch e.Type {
	case flow.StateSucceeded, flow.StepSucceeded:
		if v.state.Kind == flow.Wait {
			n, _ := v.wait()
			least = v.started + n - 2*w.faults.skew.Milliseconds()
		}
	case flow.TaskScheduled:
		if v.failed && v.granted {
			least = v.at + v.pause - 2*w.faults.skew.Milliseconds()
		}
	case flow.TaskTimedOut:
		n, _ := v.timeout()
		least = v.attempt.at + n
	}
	if least > 0 {
		w.looked("early")
	}
	if e.Time < least {
		w.breach("early", "%s: event %d %s of %s is at %d, which should be no earlier than %d", r.x.Partition(), e.ID, e.Type, v.state.Name, e.Time, least)
	}
}
