package sim

import "millrace/shared/flow"

// "attempts": a task is retried if a rule of its Retry says so, and no more often.
//
// The first rule that names the error decides. An error of building data writes no event of its
// own, so for states that have a rule for such errors only the sum is checked.
func (w *World) judgeAttempts(r *run, e *flow.HistoryEvent, v *visit) {
	if e.Type != flow.TaskScheduled {
		return
	}
	most := 1
	for i := range v.state.Retry {
		most += v.state.Retry[i].AttemptsMax
	}
	v.tries++
	if v.tries > 1 {
		w.checked("attempts")
	}
	if v.tries > most {
		w.violate("attempts", "%s: attempt %d of %s, of which there may be %d", r.x.Partition(),
			v.tries, v.state.Name, most)
	} else if v.tries > 1 && v.failed && !v.granted && !v.silent() {
		w.violate("attempts", "%s: attempt %d of %s, after an error that no rule tries again",
			r.x.Partition(), v.tries, v.state.Name)
	}
}
