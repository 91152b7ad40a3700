package store

import (
	"maps"
	"sync"
)

// Usage is what calls to a store that is billed by the request have cost.
type Usage struct {
	Requests int64   // answered ones
	Failed   int64   // attempts that were not answered, or with an error; a failed condition among them
	Reads    float64 // read units
	Writes   float64 // write units
	Index    float64 // of these units, those of the indexes as far as the driver's Meter says
}

// Add adds v to u.
func (u *Usage) Add(v Usage) {
	u.Requests += v.Requests
	u.Failed += v.Failed
	u.Reads += v.Reads
	u.Writes += v.Writes
	u.Index += v.Index
}

// Meter sums usage by operation. The zero value is empty. It is safe for many goroutines.
type Meter struct {
	mu          sync.Mutex
	byOperation map[string]Usage
}

// Add adds what calls of an operation have cost.
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

// Total returns what all calls have cost since the last Reset.
func (m *Meter) Total() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum Usage
	for _, u := range m.byOperation {
		sum.Add(u)
	}
	return sum
}

// ByOperation returns the same for each operation. The map is the caller's.
func (m *Meter) ByOperation() map[string]Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byOperation == nil {
		return map[string]Usage{}
	}
	return maps.Clone(m.byOperation)
}

// Reset begins anew.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.byOperation)
}
