package server

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is a token bucket: it holds at most Bucket requests and is refilled with PerSecond requests
// a second.
type Rate struct {
	Bucket    float64
	PerSecond float64
}

// DefaultRates returns CloudFlow's own rates (docs/api.md#rates).
func DefaultRates() map[string]Rate {
	return map[string]Rate{
		"StartExecution": {100, 100}, "DescribeExecution": {50, 5}, "GetExecutionHistory": {50, 5},
		"*": {10, 2},
	}
}

// throttle holds a limiter for each account and operation that has called. Accounts come from the
// credentials, so the number of limiters is bounded.
type throttle struct {
	rates    map[string]Rate
	mu       sync.Mutex
	limiters map[[2]string]*rate.Limiter
}

func newThrottle(rates map[string]Rate) *throttle {
	return &throttle{rates: rates, limiters: map[[2]string]*rate.Limiter{}}
}

// admit takes a token for a request; it returns false if there is none.
func (t *throttle) admit(account, operation string, now time.Time) bool {
	if len(t.rates) == 0 {
		return true
	}
	r, ok := t.rates[operation]
	if !ok {
		if r, ok = t.rates["*"]; !ok {
			return true
		}
	}
	return t.limiter([2]string{account, operation}, r).AllowN(now, 1)
}

func (t *throttle) limiter(key [2]string, r Rate) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.limiters[key]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(r.PerSecond), int(min(r.Bucket, math.MaxInt32)))
		t.limiters[key] = l
	}
	return l
}
