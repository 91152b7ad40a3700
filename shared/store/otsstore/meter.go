package otsstore

import (
	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store"
)

// Meter sums the capacity that the service reports as consumed. The service does not report the
// cost of a failed condition: Meter counts the documented one, one unit of both kinds. Nor does it
// report the cost of keeping the indexes, which Meter omits. Its operations are GetRow, PutRow,
// BatchWriteRow, DeleteRow, GetRange, "GetRange wake" and "GetRange list". Usage.Index is the part
// of the read units that reads of the indexes took.
type Meter struct{ store.Meter }

// add is Meter.Add for a Meter that may be nil.
func (m *Meter) add(op string, u store.Usage) {
	if m != nil {
		m.Add(op, u)
	}
}

// used counts a request with a response. index says that it read an index.
func (m *Meter) used(op string, c *tablestore.ConsumedCapacityUnit, index bool) {
	u := store.Usage{Requests: 1}
	if c != nil {
		u.Reads, u.Writes = float64(c.Read), float64(c.Write)
	}
	if index {
		u.Index = u.Reads
	}
	m.add(op, u)
}

func (m *Meter) failed(op string) { m.add(op, store.Usage{Failed: 1}) }

// conditionFailed counts a conditional write whose condition did not hold.
func (m *Meter) conditionFailed(op string) { m.add(op, store.Usage{Reads: 1, Writes: 1}) }
