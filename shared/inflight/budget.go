// Package inflight bounds the bytes of requests and answers that a process holds at once, by the
// memory that it has. What is held is charged before it is read, so that many large bodies at one
// time are refused instead of ending the process.
package inflight

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Budget is a number of bytes that may be held at one time. It is safe for many goroutines. A nil
// Budget has no bound.
type Budget struct {
	capacity int64
	bytes    *semaphore.Weighted
	held     atomic.Int64
	rejected atomic.Int64
}

// New returns a budget of so many bytes, at least 1.
func New(capacity int64) *Budget {
	capacity = max(capacity, 1)
	return &Budget{capacity: capacity, bytes: semaphore.NewWeighted(capacity)}
}

// TryAcquire takes n bytes, or reports that there are not so many. Callers that wait in Acquire
// come first. More than the capacity counts as the capacity: what is that large is held alone.
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

// Acquire takes n bytes as soon as they are free, in the order of the callers, and counts n as
// TryAcquire does. It returns the error of ctx when that ends first; then nothing is taken. A
// caller that already holds something of the same budget must give up soon: two that wait for more
// may wait for each other.
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

// Release gives back what one call of TryAcquire or Acquire has taken: the same n.
func (b *Budget) Release(n int64) {
	if b == nil || n <= 0 {
		return
	}
	n = min(n, b.capacity)
	b.held.Add(-n)
	b.bytes.Release(n)
}

// Capacity is how many bytes may be held at one time; 0 when there is no bound.
func (b *Budget) Capacity() int64 {
	if b == nil {
		return 0
	}
	return b.capacity
}

// Held is how many bytes are held now.
func (b *Budget) Held() int64 {
	if b == nil {
		return 0
	}
	return b.held.Load()
}

// Rejected is how often bytes were asked for and not given.
func (b *Budget) Rejected() int64 {
	if b == nil {
		return 0
	}
	return b.rejected.Load()
}

// Hold is what one request or answer holds of a budget while it grows. It is for one goroutine at a
// time; the zero Hold of a budget is Hold{Budget: b}.
type Hold struct {
	Budget *Budget
	held   int64
}

// Held is how large the hold is, in bytes.
func (h *Hold) Held() int64 { return h.held }

// TryGrow makes the hold at least n bytes large, or reports that there are not so many; then it
// stays as it is.
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

// Release gives everything back. A second call does nothing.
func (h *Hold) Release() {
	h.Budget.Release(h.held)
	h.held = 0
}
