package sim

import (
	"fmt"
	"time"
)

// "invocation": in functions an invocation ends in its time.
//
// It has 300 s, of which the runner leaves 10 s for its last commits; what is in flight then is cut, and what is ready handed
// over. One that went on would be killed by the platform in the middle. It is for those that begin without faults.
func (w *World) owesInvocations(owe func(obligation)) {
	for _, v := range w.invocations {
		if v.begun >= w.quiescedAt && !v.by.isDead() {
			owe(obligation{"invocation", v.begun, v.begun + invocationMax.Milliseconds(), fmt.Sprintf("the end of %s's invocation for %s", v.by.name, v.partition)})
		}
	}
}

// invocation is one call of a function that advances an execution.
type invocation struct {
	by        *process
	partition string
	begun     int64 // ms since 1970
}

// invoked notes that an invocation begins; it is called in the scheduler's goroutine. What it returns is called in it, too, at the end.
func (w *World) invoked(p *process, partition string) (over func()) {
	if w.topology != functions {
		return func() {}
	}
	v := &invocation{p, partition, time.Now().UnixMilli()}
	for _, other := range w.invocations {
		if other.by == p && other.partition == partition {
			w.kinds["two invocations in one process"]++
		}
	}
	w.invocations = append(w.invocations, v)
	w.clock.recheck()
	return func() {
		if !p.isDead() {
			w.hintTracker.noteArrival(partition)
		}
		w.clock.recheck()
		for i := range w.invocations {
			if w.invocations[i] == v {
				w.invocations = append(w.invocations[:i:i], w.invocations[i+1:]...)
				return
			}
		}
	}
}
