package queue

import (
	"maps"
	"sync"
)

// Tally counts the requests that an adapter makes, by operation. The zero value is empty. It is safe for many
// goroutines.
type Tally struct {
	mu sync.Mutex
	by map[string]int64
}

// Count adds one request.
func (t *Tally) Count(op string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = make(map[string]int64)
	}
	t.by[op]++
}

// By returns how many requests have been counted, by operation. The map is the caller's.
func (t *Tally) By() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		return map[string]int64{}
	}
	return maps.Clone(t.by)
}
