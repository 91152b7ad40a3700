package emulators

import (
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is an item of DynamoDB; nil: no item.
type item = map[string]types.AttributeValue

// units returns what a write of an item costs in the table, in write units. A write whose condition
// fails costs the same.
func units(it item) float64 {
	const unit = 1024 // bytes
	bytes := 0
	for name, v := range it {
		bytes += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			bytes += len(v.Value)
		case *types.AttributeValueMemberB:
			bytes += len(v.Value)
		case *types.AttributeValueMemberN:
			bytes += len(v.Value)/2 + 1
		}
	}
	return float64(max(1, (bytes+unit-1)/unit))
}

// indexUnits computes what a write costs in the indexes, in write units, from the item before and
// after.
func (m *Meter) indexUnits(before, after item) (n float64) {
	if m.Table == nil {
		return 0
	}
	for _, index := range m.Table.GlobalSecondaryIndexes {
		n += m.entryUnits(index, before, after)
	}
	return n
}

// entryUnits computes the write units of one index. An entry is put or deleted, or both if its keys
// change.
func (m *Meter) entryUnits(index types.GlobalSecondaryIndex, before, after item) float64 {
	was, is := m.entry(index, before), m.entry(index, after)
	switch {
	case reflect.DeepEqual(was, is):
		return 0
	case was == nil:
		return units(is)
	case is == nil:
		return units(was)
	}
	for _, k := range index.KeySchema {
		if name := *k.AttributeName; !reflect.DeepEqual(was[name], is[name]) {
			return units(was) + units(is)
		}
	}
	return max(units(was), units(is))
}

// entry returns what an index holds of an item; nil if the item is not in the index.
func (m *Meter) entry(index types.GlobalSecondaryIndex, it item) item {
	names := slices.Clone(index.Projection.NonKeyAttributes)
	for _, k := range index.KeySchema {
		if it[*k.AttributeName] == nil {
			return nil
		}
		names = append(names, *k.AttributeName)
	}
	for _, k := range m.Table.KeySchema {
		names = append(names, *k.AttributeName)
	}
	e := item{}
	for _, name := range names {
		if v := it[name]; v != nil {
			e[name] = v
		}
	}
	return e
}
