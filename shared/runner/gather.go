package runner

import (
	"time"

	"millrace/shared/interp"
)

// gatherTime is the least time between two commits of answers while other calls of the execution are in flight, where
// every commit is paid for: answers that come in the meantime are committed together. It is short beside a call, and an
// answer before which nothing has been committed for so long does not wait at all.
const gatherTime = 25 * time.Millisecond

// gather waits, before the committer takes what has come, for answers that are likely to come too. It ends when all calls
// in flight have been answered, or when anything else comes.
func (r *Runner) gather(c *cell) {
	if c.committed.IsZero() {
		return
	}
	left := gatherTime - time.Since(c.committed)
	if left <= 0 {
		return
	}
	c.mu.Lock()
	missing := len(c.calls) - len(c.items)
	if c.shift == nil || c.look || len(c.items) == 0 || missing <= 0 || !answers(c.items) {
		c.mu.Unlock()
		return
	}
	hurry := make(chan struct{})
	c.hurry, c.missing = hurry, missing
	c.mu.Unlock()
	t := time.NewTimer(left)
	select {
	case <-t.C:
	case <-hurry:
	case <-r.life.Done():
	}
	t.Stop()
	c.mu.Lock()
	c.hurry = nil
	c.mu.Unlock()
}

// hasten ends the committer's waiting if an item is a reason to; nil: somebody has to look. The caller holds the lock.
func (c *cell) hasten(it *item) {
	if c.hurry == nil {
		return
	}
	if it != nil && it.news.Kind == interp.CallCompleted {
		if c.missing--; c.missing > 0 {
			return
		}
	}
	close(c.hurry)
	c.hurry = nil
}

// answers tells whether items are nothing but answers of calls.
func answers(items []*item) bool {
	for _, it := range items {
		if it.news.Kind != interp.CallCompleted {
			return false
		}
	}
	return true
}
