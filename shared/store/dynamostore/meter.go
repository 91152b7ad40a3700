package dynamostore

import (
	"math"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Usage is what calls have cost.
type Usage struct {
	Requests int64   // answered ones
	Failed   int64   // attempts that were not answered, or with an error; a failed condition among them
	Reads    float64 // read units of the table and its indexes
	Writes   float64 // write units of the table and its indexes
	Index    float64 // of these units, those of the indexes
}

func (u *Usage) add(v Usage) {
	u.Requests += v.Requests
	u.Failed += v.Failed
	u.Reads += v.Reads
	u.Writes += v.Writes
	u.Index += v.Index
}

// Meter sums what the store reports to have consumed. The write units of a failed condition, which it does not
// report, are taken from the size of the item that was to be written. It is safe for many goroutines.
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

// By returns the same for each operation: GetItem, PutItem, BatchWriteItem, DeleteItem, Query, "Query wake" and
// "Query list".
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

func (m *Meter) read(op string, c *types.ConsumedCapacity) {
	if m != nil {
		total, index := units(c)
		m.add(op, Usage{Requests: 1, Reads: total, Index: index})
	}
}

func (m *Meter) write(op string, c ...types.ConsumedCapacity) {
	if m == nil {
		return
	}
	u := Usage{Requests: 1}
	for i := range c {
		total, index := units(&c[i])
		u.Writes += total
		u.Index += index
	}
	m.add(op, u)
}

func (m *Meter) failed(op string) { m.add(op, Usage{Failed: 1}) }

// refused is a conditional write of so many bytes whose condition did not hold.
func (m *Meter) refused(op string, bytes int) {
	m.add(op, Usage{Writes: max(1, math.Ceil(float64(bytes)/1024))})
}

func units(c *types.ConsumedCapacity) (total, index float64) {
	if c == nil {
		return 0, 0
	}
	for _, i := range c.GlobalSecondaryIndexes {
		index += value(i.CapacityUnits)
	}
	return value(c.CapacityUnits), index
}

func value(f *float64) float64 {
	if f == nil {
		return 0
	}
	return *f
}

// asked is what the service is asked to report.
func (m *Meter) asked() types.ReturnConsumedCapacity {
	if m == nil {
		return types.ReturnConsumedCapacityNone
	}
	return types.ReturnConsumedCapacityIndexes
}

// size is about how many bytes DynamoDB counts for an item.
func size(it item) (n int) {
	for name, v := range it {
		n += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(v.Value)/2 + 1
		}
	}
	return n
}
