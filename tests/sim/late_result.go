package sim

import (
	"fmt"
	"time"

	"millrace/shared/task"
)

// "late result": the result of a call is not lost while its attempt is open (R8).
//
// The process that has the result must bring it into the execution even if its commits fail: it
// loads the execution and runs the transaction again, after a second if the store fails. So a
// process that stays alive has committed the result within 20 s after it arrived, or after the
// faults. In functions the time of an invocation may end earlier while there are faults, so there
// the invariant is only for results that arrive without faults.
func (w *World) owesResults(r *run, owe func(obligation)) {
	if r.x.Status.Final() {
		return
	}
	for _, v := range r.visits.open {
		if !v.leaf() || !v.calling() || !v.attempt.started || v.attempt.submitted {
			continue
		}
		a, ok := w.tasks.results[keyOf(r.x.Run, v.attempt.id)]
		if !ok || a.by.isDead() || a.by.retiring || w.topology == functions && a.at < w.quiescedAt {
			continue
		}
		due := max(a.at, w.quiescedAt)
		owe(obligation{"late result", due, due + resultTakes.Milliseconds(),
			fmt.Sprintf("the result of attempt %d of %s, which %s has,", v.attempt.id, v.state.Name,
				a.by.name)})
	}
}

// resultTakes is how long a result may take from its process into the execution.
const resultTakes = time.Second + stepsTake

// callResult is the result of a call, and the process that has it.
type callResult struct {
	by     *process
	at     int64 // ms since 1970
	result task.Result
}
