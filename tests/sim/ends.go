package sim

import (
	"fmt"
	"math"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/value"
	"millrace/tests/reference/historycheck"
)

// judgeEnds checks the end of every execution.
func (w *World) judgeEnds() {
	for _, partition := range w.partitions {
		r := w.runs[partition]
		if r == nil || r.x.Expires <= time.Now().UnixMilli()+w.slack() {
			continue // some of it may be gone
		}
		w.history(r, r.x, true)
		w.checked("legal history")
		for _, line := range historycheck.Check(r.m, r.events) {
			w.violate("legal history", "%s: the history is not legal: %s", partition, line)
		}
		w.judgeCallback(r)
		w.judgeDeletedFlow(r)
	}
	if w.mocked != nil {
		for _, x := range w.clients.runs {
			w.judgeExample(x)
		}
	}
}

// deliverMax is how long a callback may take to arrive once there are no faults, ms. With faults
// every sweep that brings it may fail, and the next one comes later.
const deliverMax = 300_000

// judgeCallback checks that the end of an execution was reported to its callback task, once.
func (w *World) judgeCallback(r *run) {
	if r.x.Callback == "" {
		return
	}
	to, token := w.callbackTarget(r)
	if to == nil {
		return // the task's execution has expired, and another one has its name
	}
	w.checked("callback arrives")
	for i := range to.events {
		e := &to.events[i]
		late := r.x.Stopped > 0 &&
			e.Time-max(r.x.Stopped, w.quiescedAt) > deliverMax+4*w.faults.skew.Milliseconds()
		if late && (e.Type == flow.ExecutionTimedOut || e.Type == flow.TaskTimedOut &&
			w.attemptOf(to, e) == token.ID) && w.openAt(to, token.ID, e.ID) {
			w.violate("callback arrives",
				"%s ended at %d; its callback has not arrived at %s until %d", r.x.Partition(),
				r.x.Stopped, to.x.Partition(), e.Time)
		}
	}
}

// startedBy reports whether a task of the execution by started r.
func startedBy(r, by *run) bool {
	return strings.HasPrefix(r.x.Origin, fmt.Sprintf("task#%016x", by.x.Run))
}

// attemptOf returns the TaskScheduled event of the attempt that an event belongs to.
func (w *World) attemptOf(r *run, e *flow.HistoryEvent) int64 {
	for e.Type != flow.TaskScheduled && e.Schedule > 0 {
		e = &r.events[e.Schedule-1]
	}
	// In FlowV1 a token names the entry of its step.
	if r.m.Dialect == flow.FlowV1 {
		for e.Type != flow.StepEntered && e.Schedule > 0 {
			e = &r.events[e.Schedule-1]
		}
	}
	return e.ID
}

// openAt reports whether an attempt was still open before an event. In FlowV1, a step that fails
// closes everything inside it without an event, so there any failure may have closed the attempt.
func (w *World) openAt(r *run, attempt, before int64) bool {
	end := r.events[before-1].Time
	for i := range r.events[:before-1] {
		e := &r.events[i]
		switch e.Type {
		case flow.TaskSucceeded, flow.TaskFailed, flow.TaskSubmitFailed, flow.TaskTimedOut:
			if w.attemptOf(r, e) == attempt {
				return false
			}
		case flow.StateAborted:
			if w.attemptOf(r, e) == attempt && e.Time < end { // not by the end itself
				return false
			}
		case flow.StepFailed, flow.ExecutionRedriven:
			return false
		}
	}
	return true
}

// isOpen reports whether a task waits for the report of a token.
func (w *World) isOpen(r *run, token int64) bool {
	open := false
	for i := range r.events {
		e := &r.events[i]
		switch e.Type {
		case flow.TaskScheduled:
			if w.attemptOf(r, e) == token {
				open = true
			}
		case flow.TaskSucceeded, flow.TaskFailed, flow.TaskSubmitFailed, flow.TaskTimedOut:
			if w.attemptOf(r, e) == token {
				open = false
			}
		case flow.StateAborted, flow.StateFailed, flow.StateTimedOut, flow.StepFailed,
			flow.ExecutionRedriven:
			open = false // perhaps: aborted attempts are not distinguished
		}
	}
	return open
}

// judgeExample compares the end of an example with the flow tester's run, if neither time nor
// faults decided it.
func (w *World) judgeExample(x *launch) {
	r := w.runOf(x.flow.name, x.name)
	if r == nil || r.rescued || r.x.Redrive > 0 {
		return
	}
	several := false
	for _, list := range w.mocked.Tasks {
		several = several || len(list) > 1
	}
	for _, st := range r.m.Nodes {
		if several && (st.Kind == flow.Parallel || st.Kind == flow.Map) {
			return
		}
	}
	for i := range r.events {
		e := &r.events[i]
		if e.Type == flow.TaskTimedOut || e.Type == flow.ExecutionTimedOut ||
			e.Type == flow.ExecutionStopped ||
			e.Error != nil && (strings.Contains(e.Error.Cause, "lost with its caller") ||
				e.Error.Name == "FnF.InternalError" || e.Error.Name == flow.ErrEventLimit ||
				e.Error.Name == flow.ErrTaskTimeout) {
			return
		}
	}
	first, second := w.straight(r, x, r.x.Started),
		w.straight(r, x, r.x.Started+7*time.Hour.Milliseconds())
	if first == nil || second == nil || first.Status != second.Status ||
		!value.Equal(first.Output, second.Output) {
		return
	}
	w.checked("example result")
	if first.Status != r.x.Status {
		w.violate("example result", "%s/%s has ended as %v %v, the flow tester says %v %v",
			x.flow.name, x.name, r.x.Status, r.x.Error, first.Status, first.Error)
		return
	}
	last := &r.events[len(r.events)-1]
	if first.Status == flow.Succeeded && !value.Equal(first.Output, last.Output.Tree()) &&
		!strings.Contains(string(last.Output.Text()), account) {
		w.violate("example result", "%s/%s has come to %s, the flow tester says %s", x.flow.name,
			x.name, last.Output.Text(), value.Encode(first.Output))
	}
}

func (w *World) straight(r *run, x *launch, start int64) *flowtest.Result {
	s := *w.mocked
	s.ExecutionName, s.Start = x.name, start
	result, err := flowtest.Execute(r.m, w.limits, s)
	if err != nil {
		return nil
	}
	return result
}

// judgeKept checks that every execution that has not expired can be read completely.
func (w *World) judgeKept() {
	now := time.Now().UnixMilli()
	for _, partition := range w.partitions {
		if r := w.runs[partition]; r != nil && r.x.Expires > now+w.slack() &&
			r.x.Expires < now+7*sweepEvery.Milliseconds() && !r.kept {
			r.kept = true
			w.history(r, r.x, true)
		}
	}
}

// keptUntil returns when judgeKept must look next, ms since 1970; 0: never.
func (w *World) keptUntil() int64 {
	first := int64(0)
	for _, partition := range w.partitions {
		if r := w.runs[partition]; r != nil && !r.kept {
			if at := r.x.Expires - 3*sweepEvery.Milliseconds(); first == 0 || at < first {
				first = at
			}
		}
	}
	return first
}

// expireAll lets time pass until everything has expired, and checks that no row is left.
func (w *World) expireAll() {
	if w.rand.IntN(2) == 0 {
		if w.reuseNames(); w.failed() {
			return
		}
	}
	deadline := w.expiredAt()
	w.run(10*stepsMax, func() bool {
		w.purge()
		w.judgeKept()
		w.alarm = w.keptUntil()
		if time.Now().After(deadline) {
			deadline = w.expiredAt()
		}
		return w.disk.executions == 0 && w.disk.expiring == 0 || time.Now().After(deadline)
	})
	w.checked("nothing left")
	for _, key := range w.disk.sorted() {
		if row := w.disk.keys[key]; strings.HasPrefix(key.Partition, "x#") {
			w.violate("nothing left", "%s has expired at %d and is still there at %d", show(key),
				row.Expires, time.Now().UnixMilli())
		}
	}
	w.judgeFlowsLeft()
}

// expiredAt returns when everything with a known end must be gone, and every other row was looked
// at.
func (w *World) expiredAt() time.Time {
	last := w.quiescedAt
	for key, row := range w.disk.keys {
		if strings.HasPrefix(key.Partition, "x#") || strings.HasPrefix(key.Partition, "d#") {
			last = max(last, row.Expires, row.Wake)
		}
	}
	return time.UnixMilli(last).Add(10 * sweepEvery)
}

// purge lets the store remove expired rows, if it is a store that does.
func (w *World) purge() {
	if w.topology == functions || w.topology == servers && w.expires {
		w.disk.purge(time.Now())
	}
}

// reuseNames starts executions of the same names at about the time at which the names become free,
// with faults from then on.
func (w *World) reuseNames() {
	free := int64(math.MaxInt64)
	for _, x := range w.clients.runs {
		if r := x.now(w); r != nil && w.rand.IntN(2) == 0 {
			w.clients.reuseName(x, r.x.Expires)
			free = min(free, r.x.Expires)
		}
	}
	if o := w.clients.flowOwner; o != nil && o.current != "" && w.looks(o.id) < math.MaxInt64 {
		look := w.looks(o.id)
		free = min(free, look)
		w.clients.spawn(func() { o.comeBack(look) })
	}
	if free < math.MaxInt64 {
		w.clients.extrasReturn(time.UnixMilli(free))
	}
	w.namesReused = true
	w.run(stepsMax, func() bool {
		w.purge()
		return w.clients.quiet() || time.Until(time.UnixMilli(free)) < reuseEarly
	})
	w.tracef("names are started again")
	w.resumeFaults()
	w.run(stepsMax/3, func() bool {
		w.purge()
		return w.clients.quiet() || time.Since(time.UnixMilli(free)) > min(w.retention,
			poisonRetention)/2
	})
	w.quiesce()
	w.settle()
	if !w.failed() {
		w.judgeEnds()
	}
}
