package store

import (
	"context"
	"sync"
)

// CallTracker counts the calls under way of a driver, so that its Close can wait for them. The zero value is open. It is safe
// for many goroutines.
type CallTracker struct {
	mu     sync.RWMutex // held for reading while a call begins
	closed bool
	active sync.WaitGroup
}

// Begin begins a call, which Leave ends. The error of a context that has ended, or the one given when the gate is closed:
// then there is nothing to leave.
func (g *CallTracker) Begin(ctx context.Context, closed error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return closed
	}
	g.active.Add(1)
	return nil
}

// End ends a call.
func (g *CallTracker) End() { g.active.Done() }

// Close refuses every later call, and returns when those under way have ended. It may be called again.
func (g *CallTracker) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.active.Wait()
}
