package engine

import (
	"time"

	"millrace/shared/interp"
)

// coalesceWindow is the least time between two commits of completed calls while other calls of the
// execution are in flight, in functions, where every commit costs money. Calls that complete within
// the window are committed together. The window is short compared to a task call; a call that
// completes after an idle window is committed at once.
const coalesceWindow = 25 * time.Millisecond

// coalesce waits, before the loop takes its envelopes, for more completed calls. It ends when all
// calls in flight have completed, when any other envelope comes, or when the window is over.
func (r *Engine) coalesce(c *mailbox) {
	if c.lastCommit.IsZero() {
		return
	}
	left := coalesceWindow - time.Since(c.lastCommit)
	if left <= 0 {
		return
	}
	c.mu.Lock()
	pending := len(c.calls) - len(c.envelopes)
	if c.session == nil || c.recheck || len(c.envelopes) == 0 || pending <= 0 ||
		!onlyCompletedCalls(c.envelopes) {
		c.mu.Unlock()
		return
	}
	flushed := make(chan struct{})
	c.flushed, c.pendingResults = flushed, pending
	c.mu.Unlock()
	t := time.NewTimer(left)
	select {
	case <-t.C:
	case <-flushed:
	case <-r.ctx.Done():
	}
	t.Stop()
	c.mu.Lock()
	c.flushed = nil
	c.mu.Unlock()
}

// flush ends the wait of coalesce if the envelope must not wait; nil is a recheck, which must not.
// The caller holds the lock.
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

// onlyCompletedCalls reports whether every envelope is a completed call.
func onlyCompletedCalls(items []*envelope) bool {
	for _, it := range items {
		if it.message.Kind != interp.CallCompleted {
			return false
		}
	}
	return true
}
