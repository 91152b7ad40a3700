// Package backoff computes the pauses between attempts that fail.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy is a pause that doubles with each failure: from Min to Max.
type Policy struct{ Min, Max time.Duration }

// After returns the pause after failures that came before the last one: Min for 0 or less.
func (p Policy) After(failures int) time.Duration {
	d := p.Min
	for range max(failures, 0) {
		if d >= p.Max/2 {
			return p.Max
		}
		d *= 2
	}
	return min(d, p.Max)
}

// Random returns a random pause from 0 to After(failures), so that many callers do not come back
// together.
func (p Policy) Random(failures int) time.Duration { return rand.N(p.After(failures) + 1) }

// Wait waits for d. It returns false if ctx ends first.
func Wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
