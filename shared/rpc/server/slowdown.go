package server

import (
	"context"
	"sync"
	"time"
)

// slowdown delays the response to requests that exceed their account's share; the more requests of
// the account are waiting, the longer the delay. A rejection costs nearly as much work as a small
// request. Without the delay, a client that retries at once would take by its rejections the work
// that its share denies it. A waiting request holds only its connection, which may be evicted like
// any idle one.
type slowdown struct {
	mu      sync.Mutex
	waiting map[string]int // number of waiting requests by account
}

// An account receives one rejection per rejectionPace on average, each after at most
// rejectionDelayMax.
const (
	rejectionPace     = 5 * time.Millisecond
	rejectionDelayMax = 2 * time.Second
)

// wait returns when the rejection may be sent or ctx has ended.
func (s *slowdown) wait(ctx context.Context, account string) {
	s.mu.Lock()
	if s.waiting == nil {
		s.waiting = map[string]int{}
	}
	s.waiting[account]++
	delay := min(time.Duration(s.waiting[account])*rejectionPace, rejectionDelayMax)
	s.mu.Unlock()
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[account]--; s.waiting[account] == 0 {
		delete(s.waiting, account)
	}
}
