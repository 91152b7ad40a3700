package server

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"millrace/shared/fault"
)

// Nonces remembers the nonces of signatures, so that a request cannot be replayed.
type Nonces interface {
	// Use records a nonce until a time and reports whether it is new. Of concurrent callers with
	// the same nonce, exactly one gets true. An error, which should be a *fault.Error, rejects the
	// request.
	Use(ctx context.Context, nonce string, until time.Time) (first bool, err error)
}

// nonceCapacity is enough for about 2,000 checked requests a second during the 31 minutes of V1.
const nonceCapacity = 4 << 20

// NewNonces returns a set in memory that holds at most capacity nonces that have not expired. When
// it is full, Use returns ResourceThrottled, because a nonce that is dropped early allows a replay.
func NewNonces(capacity int, now func() time.Time) Nonces {
	return &nonceSet{
		capacity: capacity, now: now,
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		seen:  map[nonceKey]struct{}{}, due: map[int64][]nonceKey{},
	}
}

// nonceKey is 128 bits of a nonce's hash with secret seeds: it is small, and nobody can construct a
// collision.
type nonceKey [2]uint64

type nonceSet struct {
	capacity int
	now      func() time.Time
	seeds    [2]maphash.Seed

	mu    sync.Mutex
	seen  map[nonceKey]struct{}
	due   map[int64][]nonceKey // by the minute after which they expire
	swept int64                // minute of the last sweep
}

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
		return false, fault.New(fault.ResourceThrottled,
			"The request is throttled. Please try again later.")
	}
	s.seen[key] = struct{}{}
	minute := until.Unix() / 60
	s.due[minute] = append(s.due[minute], key)
	return true, nil
}

// sweep removes the expired nonces. due has at most one entry for each minute of the longest
// validity.
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
