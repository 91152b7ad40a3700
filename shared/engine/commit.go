package engine

import (
	"time"

	"millrace/shared/store"
)

// commit writes the result of the step.
func (f *transaction) commit() error {
	r, c := f.r, f.c
	s := c.state
	ch := &store.Change{
		Events: f.out.Events, Unplaced: s.EachUnstored, Body: s.AppendBody,
		Status: s.Status, Stopped: s.Stopped, Output: s.Output, Error: s.Error,
		LastEvent: s.LastEvent, LastTime: s.LastTime, Wake: f.wakeTime(),
	}
	if f.fatal == nil { // the write that ends an execution has no bound
		ch.BodyMax = r.Limits.BodyBytes
	}
	if f.turn != nil {
		ch.OnEncoded = f.endTurn
	}
	if s.Final() && c.x.Stopped == 0 {
		// The execution must not expire later than its values, which expire when the longest run
		// would. A timeout may be noticed late, so Stopped may lie after Deadline.
		ch.Expires = min(s.Stopped, s.Deadline) + r.Retention.Milliseconds()
		if len(s.Outbox) == 0 {
			ch.Wake = r.finalWakeTime(ch.Expires)
		}
	}
	var err error
	if f.created {
		err = r.Store.Create(r.ctx, c.x, ch)
	} else {
		err = r.Store.Commit(r.ctx, c.x, ch)
	}
	if err != nil {
		return err
	}
	c.commits++
	if c.activeSession != nil {
		c.lastCommit = time.Now()
	}
	if s.Final() {
		c.machine = nil
	}
	if r.Exclusive {
		c.snapshot.Store(clone(c.x))
	}
	return nil
}

// How far ahead the wake time is set after a hint: the sweeper looks if the hint has not arrived by
// then (execution.md 1.7).
const (
	readyDelay = 30 * time.Second
	claimDelay = 120 * time.Second
)

// wakeTime returns the next wake time of the row. It is never later than the earliest need, and
// moves only when it must.
func (f *transaction) wakeTime() int64 {
	s, x := f.c.state, f.c.x
	now := f.r.nowMillis()
	need := s.NextWakeTime(0)
	if s.Ready() || f.out.More {
		d := readyDelay
		if f.created {
			d = claimDelay
		}
		if t := now + d.Milliseconds(); need == 0 || t < need {
			need = t
		}
	}
	if s.Unsent() {
		if t := now + readyDelay.Milliseconds(); need == 0 || t < need {
			need = t
		}
	}
	if s.Final() && len(s.Outbox) == 0 {
		return f.r.finalWakeTime(x.Expires)
	}
	if x.Wake > now && x.Wake <= need && !f.resetCounts {
		return x.Wake
	}
	return max(need, now+1)
}

// finalWakeTime returns the wake time of an execution that has ended and has an empty outbox: the
// sweeper removes it then.
func (r *Engine) finalWakeTime(expires int64) int64 {
	if r.StoreExpires {
		return 0
	}
	return expires
}
