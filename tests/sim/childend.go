package sim

import (
	"crypto/sha256"
	"encoding/binary"

	"millrace/shared/flow"
)

// "child end": the end that a task gets is the end of its child: its status, its output, its error.
//
// It is checked when the event is written. An output that is too large for the language of the
// waiting execution is reported as an error, and FlowV1 has its own error for a child that has
// timed out.
func (w *World) judgeReportedEnd(to *run, added []flow.HistoryEvent) {
	for i := range added {
		e := &added[i]
		if e.Type != flow.TaskSucceeded && e.Type != flow.TaskFailed {
			continue
		}
		v := to.visits.of[e.ID]
		if v == nil || !waitsForChild(v.state) {
			continue
		}
		c := w.children[taskOrigin(to.x.Run, v.attemptOf(to, e))]
		if c != nil && e.Mark != 0 {
			w.checked("child end")
		}
		switch {
		case c == nil || e.Mark == 0:
			continue // its own call failed
		case c.x.Redrive > 0:
			w.judgeEndOfLife(to, c, v, e)
		case !c.x.Status.Final():
			w.violate("child end", "%s v%d: attempt %d gets the end of %s, which runs",
				to.x.Partition(), to.x.Version, v.attempt.id, c.x.Partition())
		case e.Mark == endMark(c) && !reportsEnd(e, c, to.x.Dialect):
			w.violate("child end", "%s has ended as %s, and attempt %d of %s gets %s",
				c.x.Partition(), textOf(&c.events[len(c.events)-1]), v.attempt.id, to.x.Partition(),
				textOf(e))
		}
	}
}

// attemptOf returns the attempt that an event ended.
func (v *visit) attemptOf(r *run, e *flow.HistoryEvent) int64 {
	for e.Type != flow.TaskScheduled && e.Schedule > 0 {
		e = &r.events[e.Schedule-1]
	}
	return e.ID
}

// endMark returns the mark of the report of an execution's end.
func endMark(r *run) uint64 {
	sum := sha256.Sum256([]byte("end#" + keyOf(r.x.Run, 0)))
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// judgeEndOfLife checks that a task gets the end of one life of a child that was redriven: each life
// reports its end with a mark of its own.
func (w *World) judgeEndOfLife(to, c *run, v *visit, e *flow.HistoryEvent) {
	for i := range c.events {
		last := &c.events[i]
		redriven := i+1 < len(c.events) && c.events[i+1].Type == flow.ExecutionRedriven
		if !redriven && !(c.x.Status.Final() && i+1 == len(c.events)) {
			continue
		}
		if lifeMark(c, last) == e.Mark {
			if (last.Type == flow.ExecutionSucceeded) != (e.Type == flow.TaskSucceeded) {
				w.violate("child end", "%s has ended as %s, and attempt %d of %s gets %s",
					c.x.Partition(), textOf(last), v.attempt.id, to.x.Partition(), textOf(e))
			}
			return
		}
	}
	w.violate("child end", "attempt %d of %s gets an end that %s has not come to", v.attempt.id,
		to.x.Partition(), c.x.Partition())
}

// lifeMark returns the mark of the report of the end of a life, whose last event is given.
func lifeMark(c *run, last *flow.HistoryEvent) uint64 {
	id := int64(0)
	for i := range c.events[:last.ID] {
		if c.events[i].Type == flow.ExecutionRedriven {
			id = last.ID
		}
	}
	sum := sha256.Sum256([]byte("end#" + keyOf(c.x.Run, id)))
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// reportsEnd reports whether an event contains the end of an execution, for a task of the dialect.
func reportsEnd(e *flow.HistoryEvent, c *run, dialect flow.Dialect) bool {
	last := &c.events[len(c.events)-1]
	if e.Type == flow.TaskSucceeded {
		return c.x.Status == flow.Succeeded && string(e.Output.Text()) == string(last.Output.Text())
	}
	if e.Error.Name == flow.ErrDataLimit && c.x.Status == flow.Succeeded {
		return true
	}
	switch c.x.Status {
	case flow.TimedOut:
		if dialect == flow.FlowV1 {
			return e.Error.Name == flow.ErrTaskTimeout
		}
		return e.Error.Name == flow.ErrExecutionTimedOut
	case flow.Failed:
		return isSameError(e.Error, c.x.Error, flow.ErrExecutionFailed)
	case flow.Stopped:
		return isSameError(e.Error, c.x.Error, flow.ErrExecutionStopped)
	}
	return false
}

// isSameError reports whether an error is that of an end, which may have no name.
func isSameError(e, end *flow.Error, unnamed string) bool {
	if end == nil || end.Name == "" {
		return e.Name == unnamed
	}
	return e.Name == end.Name && e.Cause == end.Cause
}
