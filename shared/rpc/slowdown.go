package rpc

import (
	"context"
	"sync"
	"time"
)

// slowdown lets requests that are refused for their account's share wait before the refusal is
// sent, the longer the more of the account's wait already. A refusal costs nearly as much work as a
// small request, and a client that tries again at once would take from others by its refusals what
// its share denies it. What waits holds its connection alone, which may be cut off as any idle one.
type slowdown struct {
	mu      sync.Mutex
	waiting map[string]int // by account
}

// An account is sent a refusal each rejectionPace on average, and none later than after refusalMax.
const (
	rejectionPace     = 5 * time.Millisecond
	rejectionDelayMax = 2 * time.Second
)

// wait returns when the refusal may be sent, or ctx has ended.
func (s *slowdown) wait(ctx context.Context, account string) {
	s.mu.Lock()
	if s.waiting == nil {
		s.waiting = map[string]int{}
	}
	s.waiting[account]++
	pause := min(time.Duration(s.waiting[account])*rejectionPace, rejectionDelayMax)
	s.mu.Unlock()
	t := time.NewTimer(pause)
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
