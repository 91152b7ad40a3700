package sim

import (
	"fmt"
	"time"

	"millrace/shared/task"
)

// "late answer": the answer of a call is not thrown away while its attempt is open (R8).
//
// Who has it brings it into the execution whatever becomes of his commits: he loads again and folds it again, after a
// second when the store fails. So a process that has lived since it was answered has brought it 20 s after the answer, or
// after the faults. In functions the time of an invocation may end before, while there are faults: there it is for
// answers without faults alone.
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
		owe(obligation{"late answer", due, due + resultTakes.Milliseconds(), fmt.Sprintf("the answer of attempt %d of %s, which %s has,", v.attempt.id, v.state.Name, a.by.name)})
	}
}

// resultTakes is how long an answer may take from its process into the execution.
const resultTakes = time.Second + stepsTake

// callResult is the answer of a call, and who has it.
type callResult struct {
	by     *process
	at     int64 // ms since 1970
	result task.Result
}
