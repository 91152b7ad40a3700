package otsstore

import (
	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store"
)

// Meter sums what the service reports to have consumed. It does not report what a failed condition costs, which is
// documented and counted here (one unit of both kinds), and what keeping the indexes costs, which is missing. Its
// operations are GetRow, PutRow, BatchWriteRow, DeleteRow, GetRange, "GetRange wake" and "GetRange list"; Usage.Index is
// what of the read units reading the indexes took.
type Meter struct{ store.Meter }

// add is Add, of a Meter that may be nil.
func (m *Meter) add(op string, u store.Usage) {
	if m != nil {
		m.Add(op, u)
	}
}

// used is an answered request; index tells that it read an index.
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

// conditionFailed is a conditional write whose condition did not hold.
func (m *Meter) conditionFailed(op string) { m.add(op, store.Usage{Reads: 1, Writes: 1}) }
