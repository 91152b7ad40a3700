package queue

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses between requests that fail are drawn between 0 and a bound that doubles.
const (
	pauseFirst = 50 * time.Millisecond
	pauseMax   = 5 * time.Second
)

// Pause waits after n requests that have failed, 1 or more, for a time that grows with n, 5 s at the most. False when ctx
// ends before.
func Pause(ctx context.Context, n int) bool {
	t := time.NewTimer(rand.N(min(pauseFirst<<min(n, 10), pauseMax)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
