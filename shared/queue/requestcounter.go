package queue

import (
	"maps"
	"sync"
)

// RequestCounter counts the requests that an adapter makes, by operation. The zero value is an
// empty counter. It is safe for many goroutines.
type RequestCounter struct {
	mu          sync.Mutex
	byOperation map[string]int64
}

// Count adds one request.
func (t *RequestCounter) Count(op string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byOperation == nil {
		t.byOperation = make(map[string]int64)
	}
	t.byOperation[op]++
}

// ByOperation returns the number of requests by operation. The caller owns the map.
func (t *RequestCounter) ByOperation() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byOperation == nil {
		return map[string]int64{}
	}
	return maps.Clone(t.byOperation)
}
