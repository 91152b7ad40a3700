package sim

import "millrace/shared/flow"

// "early": waits, pauses before a retry and time limits of tasks do not end before their time.
//
// A time limit ends when a clock shows its time or more, and that clock stamps the event. A pause
// can begin by a clock that is behind the one that stamped the event before it, and end by a clock
// that is ahead of it. The event that follows can be stamped by a clock that is behind again. Each
// clock may be wrong by the skew. The first and the second clock count twice, once for each
// comparison.
func (w *World) judgeEarly(r *run, e *flow.HistoryEvent, v *visit) {
	least := int64(0)
	switch e.Type {
	case flow.StateSucceeded, flow.StepSucceeded:
		if v.state.Kind == flow.Wait {
			n, _ := v.wait()
			least = v.started + n - 4*w.faults.skew.Milliseconds()
		}
	case flow.TaskScheduled:
		if v.failed && v.granted {
			least = v.at + v.pause - 4*w.faults.skew.Milliseconds()
		}
	case flow.TaskTimedOut:
		n, _ := v.timeout()
		least = v.attempt.at + n
	}
	if least > 0 {
		w.checked("early")
	}
	if e.Time < least {
		w.violate("early", "%s: event %d %s of %s is at %d, which should be no earlier than %d",
			r.x.Partition(), e.ID, e.Type, v.state.Name, e.Time, least)
	}
}
