package queue

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses between requests that fail are drawn between 0 and a bound that doubles.
const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 5 * time.Second
)

// Backoff waits after n requests that have failed, 1 or more, for a time that grows with n, 5 s at the most. False when ctx
// ends before.
func Backoff(ctx context.Context, n int) bool {
	t := time.NewTimer(rand.N(min(backoffMin<<min(n, 10), backoffMax)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
