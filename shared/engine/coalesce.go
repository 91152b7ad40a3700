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
func (e *Engine) coalesce(m *mailbox) {
	if m.lastCommit.IsZero() {
		return
	}
	left := coalesceWindow - time.Since(m.lastCommit)
	if left <= 0 {
		return
	}
	m.mu.Lock()
	pending := len(m.calls) - len(m.envelopes)
	if m.session == nil || m.recheck || len(m.envelopes) == 0 || pending <= 0 ||
		!onlyCompletedCalls(m.envelopes) {
		m.mu.Unlock()
		return
	}
	flushed := make(chan struct{})
	m.flushed, m.pendingResults = flushed, pending
	m.mu.Unlock()
	t := time.NewTimer(left)
	select {
	case <-t.C:
	case <-flushed:
	case <-e.ctx.Done():
	}
	t.Stop()
	m.mu.Lock()
	m.flushed = nil
	m.mu.Unlock()
}

// flush ends the wait of coalesce if the envelope must not wait; nil is a recheck, which must not.
// The caller holds the lock.
func (m *mailbox) flush(it *envelope) {
	if m.flushed == nil {
		return
	}
	if it != nil && it.message.Kind == interp.CallCompleted {
		if m.pendingResults--; m.pendingResults > 0 {
			return
		}
	}
	close(m.flushed)
	m.flushed = nil
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
