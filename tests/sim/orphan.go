package sim

import (
	"fmt"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// "orphan": if an attempt waits for an execution and ends by anything but that execution's end, the
// same commit puts a stop of that execution into the outbox. One commit later the information would
// be lost.
func (w *World) judgeOrphans(r *run) {
	for id, a := range r.attempts {
		if a.of.isOpen() && !a.over && a.of.attempt == a && !r.x.Status.Final() {
			continue
		}
		delete(r.attempts, id)
		failed := a.over && a.how == flow.TaskSubmitFailed
		if a.over && a.how != flow.TaskTimedOut && !failed || !a.started {
			continue
		}
		if r.released == nil {
			r.released = map[int64]int64{}
		}
		r.released[id] = r.x.LastTime
		w.checked("orphan")
		if !failed && !r.sends(interp.OutboxStopChild, id) {
			w.violate("orphan",
				"%s v%d: attempt %d of %s is closed, and the stop of what it has started is not "+
					"in the outbox", r.x.Partition(), r.x.Version, id, a.of.state.Name)
		}
	}
}

// waitsForChild reports whether the task of a state starts an execution and waits for its end.
func waitsForChild(st *flow.State) bool {
	return st.Task != nil && st.Task.Action == "FNF:StartExecution" &&
		st.Task.Mode == flow.WaitForSystemCallback
}

// noteAttempts records new attempts that wait for an execution.
func (r *run) noteAttempts(added []flow.HistoryEvent) {
	for i := range added {
		if e := &added[i]; e.Type == flow.TaskScheduled && waitsForChild(r.m.Nodes[e.Node]) {
			if r.attempts == nil {
				r.attempts = map[int64]*taskAttempt{}
			}
			r.attempts[e.ID] = r.visits.attempts[e.ID]
		}
	}
}

// sends reports whether the outbox contains such an entry.
func (r *run) sends(kind interp.OutboxKind, id int64) bool {
	for _, out := range r.state.Outbox {
		if out.Kind == kind && out.ID == id {
			return true
		}
	}
	return false
}

// "late stop": a child is stopped if no task waits for its end any more.
//
// The stop that "orphan" finds in the outbox is carried out ("late outbox"): bound 350 s after the
// attempt was closed, or after the claim of the child if that came later, and 90 s more after
// faults. That also holds for a start that failed: an earlier call may have started an execution. A
// child that is claimed after the stop was given up (after four looks, 7 s) runs to its own end:
// docs/reliability.md, "What it does not cover".
func (w *World) owesStops(r *run, owe func(obligation)) {
	for id, at := range r.released {
		c := w.children[taskOrigin(r.x.Run, id)]
		if c == nil {
			continue
		}
		if c.x.Status.Final() || c.unwatched || c.x.Redrive > 0 || w.runs[c.x.Partition()] != c {
			delete(r.released, id)
			continue
		}
		due := max(at, c.seen.UnixMilli(), r.excuse)
		owe(obligation{"late stop", due, w.latest(due, readyWakes+4*sweepEvery),
			fmt.Sprintf("the stop of %s, which attempt %d has started,", c.x.Partition(), id)})
	}
}

// looksFor is how long a stop looks for a child that has not been claimed.
const looksFor = 7 * time.Second

// taskOrigin returns the origin of an execution that an attempt started.
func taskOrigin(run uint64, attempt int64) string { return "task#" + keyOf(run, attempt) }

// noteChild records an execution that a task started and waits for.
func (w *World) noteChild(c *run) {
	if c.x.Callback == "" || len(c.x.Origin) != len("task#")+32 {
		return
	}
	if w.children == nil {
		w.children = map[string]*run{}
	}
	w.children[c.x.Origin] = c
	key := c.x.Origin[len("task#"):]
	if r := w.allRuns[runOfKey(key)]; r != nil {
		var id int64
		fmt.Sscanf(key[16:], "%016x", &id)
		at, closed := r.released[id]
		late := c.seen.UnixMilli()-at >= looksFor.Milliseconds()-2*w.faults.skew.Milliseconds()
		c.unwatched = closed && late && !r.sends(interp.OutboxStopChild, id)
	}
}
