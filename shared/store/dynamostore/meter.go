package dynamostore

import (
	"reflect"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Usage is what calls have cost.
type Usage struct {
	Requests int64   // answered ones
	Failed   int64   // attempts that were not answered, or with an error; a failed condition among them
	Reads    float64 // read units of the table and its indexes
	Writes   float64 // write units of the table and its indexes
	Index    float64 // of the write units, those of the indexes
}

func (u *Usage) add(v Usage) {
	u.Requests += v.Requests
	u.Failed += v.Failed
	u.Reads += v.Reads
	u.Writes += v.Writes
	u.Index += v.Index
}

// Meter sums what the store reports to have consumed. What it does not report is reckoned by the service's rules: the
// write units of a failed condition, from the size of the item that was to be written; and those of the indexes where
// the report has none, as with emulators, from the item before and after. It is safe for many goroutines.
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
		m.add(op, Usage{Requests: 1, Reads: consumed(c)})
	}
}

// change is what a write made of an item; nil where there was or is none.
type change struct{ before, after item }

func (m *Meter) write(op string, report []types.ConsumedCapacity, changes ...change) {
	if m == nil {
		return
	}
	u := Usage{Requests: 1}
	for i := range report {
		u.Writes += consumed(&report[i])
		for _, index := range report[i].GlobalSecondaryIndexes {
			u.Index += value(index.CapacityUnits)
		}
	}
	if u.Index == 0 {
		for _, c := range changes {
			u.Index += IndexUnits(c.before, c.after)
		}
		u.Writes += u.Index
	}
	m.add(op, u)
}

// IndexUnits reckons what a write costs in the two indexes, in write units, from the row before and after; nil where there
// was or is none. It is for those who see calls from outside, where an emulator does not report it.
func IndexUnits(before, after map[string]types.AttributeValue) float64 {
	c := change{before, after}
	return c.units(attrShard, attrWake) + c.units(attrGroup, attrListSort, attrFields)
}

// RowUnits is what a write of a row costs in the table, in write units; a write whose condition fails costs as much.
func RowUnits(row map[string]types.AttributeValue) float64 { return float64(units(size(row))) }

// units reckons the write units of an index with these attributes, the first two its keys: an entry is put, or
// deleted, or both when its keys change.
func (c change) units(attributes ...string) (n float64) {
	before, after := entry(c.before, attributes), entry(c.after, attributes)
	cost := func(it item) float64 { return float64(units(size(it))) }
	same := func(names []string) bool {
		for _, name := range names {
			if !reflect.DeepEqual(before[name], after[name]) {
				return false
			}
		}
		return true
	}
	switch {
	case before == nil && after == nil, before != nil && after != nil && same(attributes):
		return 0
	case before == nil:
		return cost(after)
	case after == nil:
		return cost(before)
	case same(attributes[:2]):
		return max(cost(before), cost(after))
	}
	return cost(before) + cost(after)
}

// entry is what an index keeps of an item; nil when it does not list it.
func entry(it item, attributes []string) item {
	if it[attributes[0]] == nil || it[attributes[1]] == nil {
		return nil
	}
	e := item{attrPartition: it[attrPartition], attrSort: it[attrSort]}
	for _, name := range attributes {
		if v := it[name]; v != nil {
			e[name] = v
		}
	}
	return e
}

func (m *Meter) failed(op string) { m.add(op, Usage{Failed: 1}) }

// refused is a conditional write of so many bytes whose condition did not hold.
func (m *Meter) refused(op string, bytes int) {
	m.add(op, Usage{Writes: float64(units(bytes))})
}

func consumed(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return value(c.CapacityUnits)
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

// before asks for the item that a write replaces, which costs nothing.
func (m *Meter) before() types.ReturnValue {
	if m == nil {
		return types.ReturnValueNone
	}
	return types.ReturnValueAllOld
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
