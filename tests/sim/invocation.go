package sim

import (
	"fmt"
	"slices"
	"time"
)

// "invocation": in functions an invocation ends in its time.
//
// It has 300 s. The engine reserves 10 s of them for its last commits: then it cuts the calls in
// flight and hands over the work that is ready. The platform would kill an invocation that exceeds
// its time in the middle of its work. The invariant is for invocations that begin without faults.
func (w *World) owesInvocations(owe func(obligation)) {
	for _, v := range w.invocations {
		if v.begun >= w.quiescedAt && !v.by.isDead() {
			owe(obligation{"invocation", v.begun, v.begun + invocationMax.Milliseconds(),
				fmt.Sprintf("the end of %s's invocation for %s", v.by.name, v.partition)})
		}
	}
}

// invocation is one invocation of a function that advances an execution.
type invocation struct {
	by        *process
	partition string
	begun     int64 // ms since 1970
}

// invoked records that an invocation begins. It and the function that it returns, for the end, are
// called in the scheduler's goroutine.
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

// invokedBefore reports whether an invocation of a process works on an execution that began no
// later than at, in ms since 1970.
func (w *World) invokedBefore(p *process, partition string, at int64) bool {
	return slices.ContainsFunc(w.invocations, func(v *invocation) bool {
		return v.by == p && v.partition == partition && v.begun <= at
	})
}
