package dynamostore

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"millrace/shared/store"
)

// Meter sums the capacity that the service reports as consumed. It computes the rest by the
// service's rules: the write units of a failed condition, from the size of the item to be written;
// and the write units of the indexes if the report has none, as with emulators, from the item
// before and after. Its operations are GetItem, PutItem, BatchWriteItem, DeleteItem, Query, "Query
// wake" and "Query list". Usage.Index is the part of the write units that the indexes took.
type Meter struct{ store.Meter }

// add is Meter.Add for a Meter that may be nil.
func (m *Meter) add(op string, u store.Usage) {
	if m != nil {
		m.Add(op, u)
	}
}

func (m *Meter) read(op string, c *types.ConsumedCapacity) {
	if m != nil {
		m.add(op, store.Usage{Requests: 1, Reads: consumed(c)})
	}
}

// change is an item before and after a write; nil: no item.
type change struct{ before, after item }

func (m *Meter) write(op string, report []types.ConsumedCapacity, changes ...change) {
	if m == nil {
		return
	}
	u := store.Usage{Requests: 1}
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

// IndexUnits computes what a write costs in the two indexes, in write units, from the row before
// and after; nil: no row. It is for callers that see requests from outside, where an emulator does
// not report the cost.
func IndexUnits(before, after map[string]types.AttributeValue) float64 {
	c := change{before, after}
	return c.units(attrShard, attrWake) + c.units(attrGroup, attrListSort, attrFields)
}

// RowUnits returns what a write of a row costs in the table, in write units. A write whose
// condition fails costs the same.
func RowUnits(row map[string]types.AttributeValue) float64 { return float64(units(size(row))) }

// units computes the write units of an index with these attributes, of which the first two are its
// keys. An entry is put or deleted, or both if its keys change.
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

// entry returns what an index holds of an item; nil if the item is not in the index.
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

func (m *Meter) failed(op string) { m.add(op, store.Usage{Failed: 1}) }

// conditionFailed counts a conditional write of that many bytes whose condition did not hold.
func (m *Meter) conditionFailed(op string, bytes int) {
	m.add(op, store.Usage{Writes: float64(units(bytes))})
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

// returnCapacity returns what the service is asked to report.
func (m *Meter) returnCapacity() types.ReturnConsumedCapacity {
	if m == nil {
		return types.ReturnConsumedCapacityNone
	}
	return types.ReturnConsumedCapacityIndexes
}

// returnValues requests the item that a write replaces, at no cost.
func (m *Meter) returnValues() types.ReturnValue {
	if m == nil {
		return types.ReturnValueNone
	}
	return types.ReturnValueAllOld
}

// size estimates how many bytes DynamoDB counts for an item.
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
