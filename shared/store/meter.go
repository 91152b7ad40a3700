package store

import (
	"maps"
	"sync"
)

// Usage is the cost of calls to a store that is billed by the request.
type Usage struct {
	Requests int64   // requests with a response
	Failed   int64   // attempts without a response or with an error, e.g. a failed condition
	Reads    float64 // read units
	Writes   float64 // write units
	Index    float64 // those of the indexes among them, as far as the driver's Meter counts them
}

// Add adds v to u.
func (u *Usage) Add(v Usage) {
	u.Requests += v.Requests
	u.Failed += v.Failed
	u.Reads += v.Reads
	u.Writes += v.Writes
	u.Index += v.Index
}

// Meter sums usage by operation. The zero value is empty. It is safe for concurrent use.
type Meter struct {
	mu          sync.Mutex
	byOperation map[string]Usage
}

// Add adds the cost of calls of an operation.
func (m *Meter) Add(op string, u Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byOperation == nil {
		m.byOperation = make(map[string]Usage)
	}
	sum := m.byOperation[op]
	sum.Add(u)
	m.byOperation[op] = sum
}

// Total returns the cost of all calls since the last Reset.
func (m *Meter) Total() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum Usage
	for _, u := range m.byOperation {
		sum.Add(u)
	}
	return sum
}

// ByOperation returns the cost for each operation. The map belongs to the caller.
func (m *Meter) ByOperation() map[string]Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byOperation == nil {
		return map[string]Usage{}
	}
	return maps.Clone(m.byOperation)
}

// Reset sets the meter to zero.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.byOperation)
}
