package otsstore

import (
	"sync"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

// Usage is what calls have cost.
type Usage struct {
	Requests int64   // answered ones
	Failed   int64   // attempts that were not answered, or with an error; a failed condition among them
	Reads    float64 // read units of the table and its indexes
	Writes   float64 // write units of the table
	Index    float64 // of these units, those of reading the indexes
}

func (u *Usage) add(v Usage) {
	u.Requests += v.Requests
	u.Failed += v.Failed
	u.Reads += v.Reads
	u.Writes += v.Writes
	u.Index += v.Index
}

// Meter sums what the service reports to have consumed. It does not report what a failed condition costs, which is
// documented and counted here (one unit of both kinds), and what keeping the indexes costs, which is missing. It is
// safe for many goroutines.
type Meter struct {
	mu sync.Mutex
	by map[string]Usage
}

// Total returns what all calls have cost since the last Reset.
func (m *Meter) Total() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum Usage
	for _, u := range m.by {
		sum.add(u)
	}
	return sum
}

// By returns the same for each operation: GetRow, PutRow, BatchWriteRow, DeleteRow, GetRange, "GetRange wake" and
// "GetRange list".
func (m *Meter) By() map[string]Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	by := make(map[string]Usage, len(m.by))
	for op, u := range m.by {
		by[op] = u
	}
	return by
}

// Reset begins anew.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.by)
}

func (m *Meter) add(op string, u Usage) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = make(map[string]Usage)
	}
	sum := m.by[op]
	sum.add(u)
	m.by[op] = sum
}

// used is an answered request; index tells that it read an index.
func (m *Meter) used(op string, c *tablestore.ConsumedCapacityUnit, index bool) {
	u := Usage{Requests: 1}
	if c != nil {
		u.Reads, u.Writes = float64(c.Read), float64(c.Write)
	}
	if index {
		u.Index = u.Reads
	}
	m.add(op, u)
}

func (m *Meter) failed(op string) { m.add(op, Usage{Failed: 1}) }

// refused is a conditional write whose condition did not hold.
func (m *Meter) refused(op string) { m.add(op, Usage{Reads: 1, Writes: 1}) }
