package tablestore

import (
	"maps"
	"sync"

	"millrace/tests/emulators/tablestore/message"
)

// unitBytes is what one capacity unit reads or writes.
const unitBytes = 4 << 10

// unitsOf is the capacity units for so many bytes, at least one.
func unitsOf(bytes int) int32 { return int32(max(1, (bytes+unitBytes-1)/unitBytes)) }

// Usage is what requests to a table have cost. Of an index: reads of it, and what keeping it has cost, which the
// service bills and does not report.
type Usage struct {
	Requests int64 // rows in batches count singly
	Reads    int64 // capacity units
	Writes   int64 // capacity units
}

type meter struct {
	mu sync.Mutex
	by map[string]Usage
}

func (m *meter) add(table string, requests int64, u message.Units) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = map[string]Usage{}
	}
	sum := m.by[table]
	sum.Requests += requests
	sum.Reads += int64(u.Read)
	sum.Writes += int64(u.Write)
	m.by[table] = sum
}

// Usage returns what requests have cost since the last ResetUsage, by table and index.
func (s *Server) Usage() map[string]Usage {
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	return maps.Clone(s.usage.by)
}

// ResetUsage begins anew.
func (s *Server) ResetUsage() {
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	s.usage.by = nil
}

// failedCondition is what a write costs whose condition did not hold.
var failedCondition = message.Units{Read: 1, Write: 1}
