package queue

import (
	"context"
	"math/rand/v2"
	"time"
)

// The pause after a failed request is random, between 0 and a bound that doubles with each failure.
const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 5 * time.Second
)

// Backoff waits after n consecutive failed requests, n at least 1. The time grows with n, up to 5
// s. It returns false if ctx ends first.
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
