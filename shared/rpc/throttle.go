package rpc

import (
	"sync"
	"time"
)

// Rate is a token bucket: it holds at most Bucket requests and is refilled with PerSecond requests
// a second.
type Rate struct {
	Bucket    float64
	PerSecond float64
}

// DefaultRates returns CloudFlow's own rates (api.md 7.3).
func DefaultRates() map[string]Rate {
	return map[string]Rate{
		"StartExecution": {100, 100}, "DescribeExecution": {50, 5}, "GetExecutionHistory": {50, 5},
		"*": {10, 2},
	}
}

// throttle holds a bucket for each account and operation that has called. Accounts come from the
// credentials, so the number of buckets is bounded.
type throttle struct {
	rates   map[string]Rate
	mu      sync.Mutex
	buckets map[[2]string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time // time of the last refill
}

func newThrottle(rates map[string]Rate) *throttle {
	return &throttle{rates: rates, buckets: map[[2]string]*bucket{}}
}

// admit takes a token for a request; it returns false if there is none.
func (t *throttle) admit(account, operation string, now time.Time) bool {
	if len(t.rates) == 0 {
		return true
	}
	rate, ok := t.rates[operation]
	if !ok {
		if rate, ok = t.rates["*"]; !ok {
			return true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := [2]string{account, operation}
	b := t.buckets[key]
	if b == nil {
		b = &bucket{tokens: rate.Bucket, at: now}
		t.buckets[key] = b
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(rate.Bucket, b.tokens+passed*rate.PerSecond)
		b.at = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
