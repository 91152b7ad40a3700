// Package inflight bounds the bytes of requests and responses that a process holds at once, by the
// memory that it has. Bytes are charged before they are read, so that many large bodies at one time
// are rejected instead of ending the process.
package inflight

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Budget is a number of bytes that may be held at one time. It is safe for concurrent use. A nil
// Budget has no bound.
type Budget struct {
	capacity int64
	bytes    *semaphore.Weighted
	held     atomic.Int64
	rejected atomic.Int64
}

// New returns a budget of capacity bytes, at least 1.
func New(capacity int64) *Budget {
	capacity = max(capacity, 1)
	return &Budget{capacity: capacity, bytes: semaphore.NewWeighted(capacity)}
}

// TryAcquire acquires n bytes and reports whether it did. Callers that wait in Acquire come first.
// An n above the capacity counts as the capacity, so such a request is held alone.
func (b *Budget) TryAcquire(n int64) bool {
	if b == nil || n <= 0 {
		return true
	}
	n = min(n, b.capacity)
	if !b.bytes.TryAcquire(n) {
		b.rejected.Add(1)
		return false
	}
	b.held.Add(n)
	return true
}

// Acquire acquires n bytes when they are free, in the order of the calls; it counts n as TryAcquire
// does. If ctx ends first, Acquire returns the error of ctx and acquires nothing. A caller that
// already holds a part of the same budget must give up soon: two callers that wait for more may
// wait for each other.
func (b *Budget) Acquire(ctx context.Context, n int64) error {
	if b == nil || n <= 0 {
		return nil
	}
	n = min(n, b.capacity)
	if err := b.bytes.Acquire(ctx, n); err != nil {
		b.rejected.Add(1)
		return err
	}
	b.held.Add(n)
	return nil
}

// Release returns what one call of TryAcquire or Acquire acquired, with the same n.
func (b *Budget) Release(n int64) {
	if b == nil || n <= 0 {
		return
	}
	n = min(n, b.capacity)
	b.held.Add(-n)
	b.bytes.Release(n)
}

// Capacity returns how many bytes may be held at one time; 0 if there is no bound.
func (b *Budget) Capacity() int64 {
	if b == nil {
		return 0
	}
	return b.capacity
}

// Held returns how many bytes are held now.
func (b *Budget) Held() int64 {
	if b == nil {
		return 0
	}
	return b.held.Load()
}

// Rejected returns how many calls did not get their bytes.
func (b *Budget) Rejected() int64 {
	if b == nil {
		return 0
	}
	return b.rejected.Load()
}

// Hold is what one request or response holds of a budget while it grows. Only one goroutine may use
// it at a time. An empty Hold is Hold{Budget: b}.
type Hold struct {
	Budget *Budget
	held   int64
}

// Held returns the size of the hold, in bytes.
func (h *Hold) Held() int64 { return h.held }

// TryGrow grows the hold to at least n bytes and reports whether it could. Otherwise the hold does
// not change.
func (h *Hold) TryGrow(n int64) bool {
	more := min(n, h.Budget.Capacity()) - h.held
	if h.Budget == nil || more <= 0 {
		return true
	}
	if !h.Budget.TryAcquire(more) {
		return false
	}
	h.held += more
	return true
}

// Grow is TryGrow that waits until ctx ends. Two holds that grow may wait for each other, so ctx
// must end soon.
func (h *Hold) Grow(ctx context.Context, n int64) error {
	more := min(n, h.Budget.Capacity()) - h.held
	if h.Budget == nil || more <= 0 {
		return nil
	}
	if err := h.Budget.Acquire(ctx, more); err != nil {
		return err
	}
	h.held += more
	return nil
}

// Release releases everything. A second call does nothing.
func (h *Hold) Release() {
	h.Budget.Release(h.held)
	h.held = 0
}
