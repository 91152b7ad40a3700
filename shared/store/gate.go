package store

import (
	"context"
	"sync"
)

// Gate counts the calls under way of a driver, so that its Close can wait for them. The zero value is open. It is safe
// for many goroutines.
type Gate struct {
	mu     sync.RWMutex // held for reading while a call begins
	closed bool
	active sync.WaitGroup
}

// Enter begins a call, which Leave ends. The error of a context that has ended, or the one given when the gate is closed:
// then there is nothing to leave.
func (g *Gate) Enter(ctx context.Context, closed error) error {
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

// Leave ends a call.
func (g *Gate) Leave() { g.active.Done() }

// Close refuses every later call, and returns when those under way have ended. It may be called again.
func (g *Gate) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.active.Wait()
}
