package store

import (
	"context"
	"math/rand/v2"
	"time"
)

// A pause between attempts is random, from 0 to a bound that doubles with each attempt.
const (
	backoffMin = 25 * time.Millisecond
	backoffMax = time.Second
)

// Backoff waits before a driver repeats a call. n is the number of repeats so far, 0 at first. The
// wait grows with n to at most 1 s. It returns false if the wait would last beyond end, or if ctx
// ends.
func Backoff(ctx context.Context, n int, end time.Time) bool {
	d := rand.N(min(backoffMin<<min(n, 10), backoffMax))
	if time.Now().Add(d).After(end) {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
