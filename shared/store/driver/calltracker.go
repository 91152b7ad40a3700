package driver

import (
	"context"
	"sync"
)

// CallTracker counts the calls that a driver has under way, so that its Close can wait for them.
// The zero value is open. It is safe for concurrent use.
type CallTracker struct {
	mu     sync.RWMutex // held for reading while a call begins
	closed bool
	active sync.WaitGroup
}

// Begin begins a call, which End ends. It returns the error of a context that has ended, or closed
// if the tracker is closed. After an error the caller must not call End.
func (t *CallTracker) Begin(ctx context.Context, closed error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.closed {
		return closed
	}
	t.active.Add(1)
	return nil
}

// End ends a call.
func (t *CallTracker) End() { t.active.Done() }

// Close rejects every later call, and returns when the calls under way have ended. It may be called
// again.
func (t *CallTracker) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.active.Wait()
}
