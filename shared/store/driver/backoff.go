package driver

import (
	"context"
	"time"

	"millrace/shared/backoff"
)

var callBackoff = backoff.Policy{Min: 25 * time.Millisecond, Max: time.Second}

// Backoff waits before a driver repeats a call. n is the number of repeats so far, 0 at first. The
// wait grows with n to at most 1 s. It returns false if the wait would last beyond end, or if ctx
// ends.
func Backoff(ctx context.Context, n int, end time.Time) bool {
	d := callBackoff.Random(n)
	return !time.Now().Add(d).After(end) && backoff.Wait(ctx, d)
}
