package sim

import (
	"fmt"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// "late outbox": an entry leaves the outbox.
//
// The engine tries it at once. The row wakes 30 s after the commit in case its process dies. If a
// try fails, the next one follows at the time that the entry says (Next), at most an hour later.
// Without faults each try succeeds, except one that looks for a child whose start is in progress:
// that is tried four times, 1, 2 and 4 s apart. Bound: 110 s after the entry was written, or after
// Next, or after an execution that faults had delayed was taken up (the commit that says so comes
// before the try); plus 240 s for the child, because each of its pauses waits for a sweep (the
// check allows them to every entry); plus 90 s after faults. A callback to a FlowV1 task that
// pauses before a retry is refused until that retry has begun: from each such try on the time
// counts anew (4030531).
func (w *World) owesOutbox(r *run, owe func(obligation)) {
	for _, out := range r.state.Outbox {
		born := r.outbox[out.ID]
		due := max(born.since, r.excuse)
		if born.next > 0 && (born.nextAt < w.quiescedAt || born.early) {
			due = max(due, born.next)
		}
		owe(obligation{"late outbox", due, w.latest(due, readyWakes+4*sweepEvery),
			fmt.Sprintf("entry %d/%d of its outbox, tried %d times", out.Kind, out.ID, out.Tries)})
	}
}

// sending is an entry of an outbox.
type sending struct {
	since  int64 // when it was written, ms since 1970
	next   int64 // when it is to be tried again; 0: at once
	nextAt int64 // when that was written
	early  bool  // because its target task paused
}

// noteOutbox tracks the outbox of an execution. A failed try must delay an entry by the backoff of
// its tries: 1 s, doubled up to an hour.
func (w *World) noteOutbox(r *run) {
	now := time.Now().UnixMilli()
	before := r.outbox
	r.outbox = map[int64]sending{}
	for _, out := range r.state.Outbox {
		s, ok := before[out.ID]
		if !ok {
			s.since = now
		}
		if out.Next != s.next {
			s.early = out.Kind == interp.OutboxCallback && w.pausedSince(r, s.wrote())
			s.next, s.nextAt = out.Next, now
			most := min(time.Second<<min(max(out.Tries-1, 0), 12), time.Hour)
			if out.Next > now+most.Milliseconds()+2*w.faults.skew.Milliseconds()+1 {
				w.violate("late outbox", "%s v%d: entry %d is put off from %d to %d after %d tries",
					r.x.Partition(), r.x.Version, out.ID, now, out.Next, out.Tries)
			}
		}
		r.outbox[out.ID] = s
	}
}

// pausedSince reports whether the task that receives an execution's end has paused before a retry
// since a time, ms since 1970. In FlowV1 the token also names the next attempt.
func (w *World) pausedSince(r *run, at int64) bool {
	token, ok := interp.ParseToken(r.x.Callback)
	if !ok {
		return false
	}
	to := w.runIn(r.x.Account, token.Flow, token.Execution)
	if to == nil || to.m.Dialect != flow.FlowV1 || startedBy(r, to) {
		return false
	}
	v := to.visits.of[token.ID]
	return v != nil && v.isOpen() && (!v.calling() || v.attempt.at >= at)
}
