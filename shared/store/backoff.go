package store

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses between attempts are drawn between 0 and a bound that doubles.
const (
	backoffMin = 25 * time.Millisecond
	backoffMax = time.Second
)

// Backoff waits between attempts of a driver's call, of which n have been made again, 0 at first, for a time that grows with
// n, 1 s at the most. False when that would last beyond end, or when ctx ends before.
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
