package sim

import (
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// "sent": an entry leaves the outbox only after its effect.
//
// A stop may leave when its child has ended, or did not exist when the stop looked for it; a child
// that was claimed before the last write of the entry did exist. A callback may leave when the
// attempt that it names is closed, or its execution has ended or is gone.
func (w *World) judgeLeft(r *run, before []interp.OutboxEntry) {
	for _, out := range before {
		if r.sends(out.Kind, out.ID) {
			continue
		}
		w.checked("sent")
		switch out.Kind {
		case interp.OutboxStopChild:
			c := w.children[taskOrigin(r.x.Run, out.ID)]
			if c != nil && !c.x.Status.Final() && c.x.Redrive == 0 && c.seen.UnixMilli() < r.outbox[out.ID].wrote() &&
				w.runs[c.x.Partition()] == c {
				w.violate("sent", "%s v%d: the stop of %s has left the outbox, and it runs",
					r.x.Partition(), r.x.Version, c.x.Partition())
			}
		case interp.OutboxCallback:
			if to, id := w.waiting(r); to != nil {
				w.violate("sent",
					"%s v%d: its callback has left the outbox, and attempt %d of %s is open",
					r.x.Partition(), r.x.Version, id, to.x.Partition())
			}
		}
	}
}

// wrote returns when an outbox entry was last written.
func (s sending) wrote() int64 { return max(s.since, s.nextAt) }

// waiting returns the execution, and its open attempt, that wait for the end of another one. It
// returns nil if there is none, or if that is not known: in FlowV1 a client's token also names the
// attempts that follow.
func (w *World) waiting(r *run) (*run, int64) {
	to, token := w.callbackTarget(r)
	if to == nil || to.x.Status.Final() || w.namesReused {
		return nil, 0
	}
	id := token.ID
	if to.m.Dialect == flow.FlowV1 {
		if !startedBy(r, to) {
			return nil, 0
		}
		fmt.Sscanf(r.x.Origin[len("task#")+16:], "%016x", &id)
	}
	v := to.visits.of[id]
	if v == nil || !v.isOpen() || !v.calling() || v.attempt.id != id {
		return nil, 0
	}
	return to, id
}

// "late callback": the end of an execution reaches the task that waits for it, by the API's
// CallbackFnFTaskToken or by the engine's own.
//
// The commit of the end puts the report into the outbox ("late outbox"). A commit of the waiting
// execution consumes it, directly or from its inbox. Bound 110 s after the end, and 90 s more after
// faults. Until then the attempt is open.
func (w *World) owesCallback(r *run, owe func(obligation)) {
	if !r.x.Status.Final() || r.x.Callback == "" {
		return
	}
	to, id := w.waiting(r)
	if to == nil {
		return
	}
	due := r.ended.UnixMilli()
	end := int64(0)
	if r.x.Redrive > 0 {
		end = r.x.LastEvent
	}
	if s, ok := r.outbox[end]; ok && s.next > 0 && s.nextAt < w.quiescedAt {
		due = max(due, s.next)
	}
	owe(obligation{"late callback", due, w.latest(due, readyWakes),
		fmt.Sprintf("its end, for attempt %d of %s,", id, to.x.Partition())})
}
