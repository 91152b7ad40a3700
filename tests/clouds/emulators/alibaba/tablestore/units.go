package tablestore

import (
	"maps"
	"sync"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
)

// unitBytes is the number of bytes per capacity unit.
const unitBytes = 4 << 10

// unitsOf returns the capacity units for a number of bytes, at least one.
func unitsOf(bytes int) int32 { return int32(max(1, (bytes+unitBytes-1)/unitBytes)) }

// Usage is the cost of the requests to a table. For an index it is the cost of its reads and of its
// updates, which the service bills and does not report.
type Usage struct {
	Requests int64 // each row of a batch counts
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

// Usage returns the cost of requests since the last ResetUsage, by table and index.
func (s *Server) Usage() map[string]Usage {
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	return maps.Clone(s.usage.by)
}

// ResetUsage resets the counts.
func (s *Server) ResetUsage() {
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	s.usage.by = nil
}

// failedCondition is the cost of a write whose condition did not hold.
var failedCondition = message.Units{Read: 1, Write: 1}
