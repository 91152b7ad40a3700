package queue

import (
	"context"
	"time"

	"millrace/shared/backoff"
)

var requestBackoff = backoff.Policy{Min: 100 * time.Millisecond, Max: 5 * time.Second}

// Backoff waits after n consecutive failed requests, n at least 1. The time grows with n, up to 5
// s. It returns false if ctx ends first.
func Backoff(ctx context.Context, n int) bool {
	return backoff.Wait(ctx, requestBackoff.Random(n-1))
}
