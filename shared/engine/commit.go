package engine

import (
	"time"

	"millrace/shared/store"
)

// commit writes the result of the step.
func (t *transaction) commit() error {
	e, m := t.engine, t.mailbox
	s := m.state
	ch := &store.Change{
		Events: t.out.Events, Unplaced: s.EachUnstored, Body: s.AppendBody,
		Status: s.Status, Stopped: s.Stopped, Output: s.Output, Error: s.Error,
		LastEvent: s.LastEvent, LastTime: s.LastTime, Wake: t.wakeTime(),
		MapRuns: s.HasMapRuns(),
	}
	if t.fatal == nil { // the write that ends an execution has no bound
		ch.BodyMax = e.Limits.BodyBytes
	}
	if t.turn != nil {
		ch.OnEncoded = t.endTurn
	}
	redriven := s.Redrives > m.x.Redrive
	if redriven {
		ch.Redrive = &store.Redrive{Count: s.Redrives, At: s.Redriven, Mark: s.RedriveMark,
			Deadline: s.Deadline}
		ch.Expires = s.Deadline + e.Retention.Milliseconds()
	}
	if s.Final() && (m.x.Stopped == 0 || redriven) {
		// The execution must not expire later than its values, which expire when the longest run
		// would. A timeout may be noticed late, so Stopped may lie after Deadline.
		ch.Expires = min(s.Stopped, s.Deadline) + e.Retention.Milliseconds()
		if len(s.Outbox) == 0 {
			ch.Wake = e.finalWakeTime(ch.Expires)
		}
		ch.Failure = t.failure()
	}
	var err error
	if t.created {
		err = e.Store.Create(e.ctx, m.x, ch)
	} else {
		err = e.Store.Commit(e.ctx, m.x, ch)
	}
	if err != nil {
		return err
	}
	m.commits++
	if m.work.ends() {
		m.lastCommit = time.Now()
	}
	if s.Final() {
		m.machine = nil
	}
	if e.ownsStore() {
		m.snapshot.Store(clone(m.x))
	}
	return nil
}

// How far ahead the wake time is set after a hint: the sweeper looks if the hint has not arrived by
// then (docs/protocol.md#wake-times).
const (
	readyDelay = 30 * time.Second
	claimDelay = 120 * time.Second
)

// wakeTime returns the next wake time of the row. It is never later than the earliest need, and
// moves only when it must.
func (t *transaction) wakeTime() int64 {
	s, x := t.mailbox.state, t.mailbox.x
	now := t.engine.nowMillis()
	need := s.NextWakeTime(0)
	if s.Ready() || t.out.More {
		d := readyDelay
		if t.created {
			d = claimDelay
		}
		if at := now + d.Milliseconds(); need == 0 || at < need {
			need = at
		}
	}
	if s.Unsent() {
		if at := now + readyDelay.Milliseconds(); need == 0 || at < need {
			need = at
		}
	}
	if s.Final() && len(s.Outbox) == 0 {
		return t.engine.finalWakeTime(x.Expires)
	}
	if x.Wake > now && x.Wake <= need && !t.resetCounts {
		return x.Wake
	}
	return max(need, now+1)
}

// finalWakeTime returns the wake time of an execution that has ended and has an empty outbox: the
// sweeper removes it then.
func (e *Engine) finalWakeTime(expires int64) int64 {
	if e.StoreExpires {
		return 0
	}
	return expires
}
