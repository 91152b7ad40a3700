package rpc

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"millrace/shared/fault"
)

// Nonces remembers the nonces of signatures, so that a request cannot be played again.
type Nonces interface {
	// Use records a nonce until a time, and tells whether nobody has used it before; of concurrent callers exactly
	// one is told so. An error refuses the request; it should be a *fault.Error.
	Use(ctx context.Context, nonce string, until time.Time) (first bool, err error)
}

// nonceCapacity is 4 million nonces, about 2,000 checked requests a second for the 31 minutes of V1.
const nonceCapacity = 4 << 20

// NewNonces gives a set in memory that holds at most so many nonces whose time is not over. When it is full, Use gives
// ResourceThrottled: to forget a nonce early would let its request be played again.
func NewNonces(capacity int, now func() time.Time) Nonces {
	return &nonceSet{
		capacity: capacity, now: now, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		seen: map[nonceKey]struct{}{}, due: map[int64][]nonceKey{},
	}
}

// nonceKey is 128 bits of a nonce's hash under secret seeds: small, and not to be made to collide.
type nonceKey [2]uint64

type nonceSet struct {
	capacity int
	now      func() time.Time
	seeds    [2]maphash.Seed

	mu    sync.Mutex
	seen  map[nonceKey]struct{}
	due   map[int64][]nonceKey // by the minute after which they may be forgotten
	swept int64                // minute of the last sweep
}

// Use records a nonce.
func (s *nonceSet) Use(_ context.Context, nonce string, until time.Time) (bool, error) {
	key := nonceKey{maphash.String(s.seeds[0], nonce), maphash.String(s.seeds[1], nonce)}
	now := s.now().Unix() / 60
	s.mu.Lock()
	defer s.mu.Unlock()
	if now != s.swept {
		s.sweep(now)
	}
	if _, ok := s.seen[key]; ok {
		return false, nil
	}
	if len(s.seen) >= s.capacity {
		return false, fault.New(fault.ResourceThrottled, "The request is throttled. Please try again later.")
	}
	s.seen[key] = struct{}{}
	minute := until.Unix() / 60
	s.due[minute] = append(s.due[minute], key)
	return true, nil
}

// sweep forgets what is over: there is at most one entry of due for each minute of the longest validity.
func (s *nonceSet) sweep(now int64) {
	s.swept = now
	for minute, keys := range s.due {
		if minute >= now {
			continue
		}
		for _, k := range keys {
			delete(s.seen, k)
		}
		delete(s.due, minute)
	}
}
