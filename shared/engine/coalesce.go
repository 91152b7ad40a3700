package engine

import (
	"time"

	"millrace/shared/interp"
)

// coalesceWindow is the least time between two commits of answers while other calls of the execution are in flight, where
// every commit is paid for: answers that come in the meantime are committed together. It is short beside a call, and an
// answer before which nothing has been committed for so long does not wait at all.
const coalesceWindow = 25 * time.Millisecond

// coalesce waits, before the committer takes what has come, for answers that are likely to come too. It ends when all calls
// in flight have been answered, or when anything else comes.
func (r *Engine) coalesce(c *mailbox) {
	if c.lastCommit.IsZero() {
		return
	}
	left := coalesceWindow - time.Since(c.lastCommit)
	if left <= 0 {
		return
	}
	c.mu.Lock()
	missing := len(c.calls) - len(c.envelopes)
	if c.session == nil || c.recheck || len(c.envelopes) == 0 || missing <= 0 || !onlyCompletedCalls(c.envelopes) {
		c.mu.Unlock()
		return
	}
	hurry := make(chan struct{})
	c.flushed, c.pendingResults = hurry, missing
	c.mu.Unlock()
	t := time.NewTimer(left)
	select {
	case <-t.C:
	case <-hurry:
	case <-r.ctx.Done():
	}
	t.Stop()
	c.mu.Lock()
	c.flushed = nil
	c.mu.Unlock()
}

// flush ends the committer's waiting if an item is a reason to; nil: somebody has to look. The caller holds the lock.
func (c *mailbox) flush(it *envelope) {
	if c.flushed == nil {
		return
	}
	if it != nil && it.message.Kind == interp.CallCompleted {
		if c.pendingResults--; c.pendingResults > 0 {
			return
		}
	}
	close(c.flushed)
	c.flushed = nil
}

// onlyCompletedCalls tells whether items are nothing but answers of calls.
func onlyCompletedCalls(items []*envelope) bool {
	for _, it := range items {
		if it.message.Kind != interp.CallCompleted {
			return false
		}
	}
	return true
}
