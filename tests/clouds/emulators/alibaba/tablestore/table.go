package tablestore

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
)

// table is a table, or a secondary index, which is read in the same way.
type table struct {
	name    string
	key     []message.KeySchema
	readyAt time.Time
	index   *index // nil for a table
	encrypt message.Encryption

	mu       sync.RWMutex
	defined  []message.DefinedColumn
	life     int32 // seconds; -1: for ever
	versions int
	skew     int64 // maximum deviation of a version from the clock, seconds
	update   bool
	reserved message.Units
	raised   int64 // when reserved was set, seconds since 1970
	indexes  []*table
	number   int64 // the last number of an auto-increment column
	rows     rows
}

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// alive returns the part of a row that has not expired, or nil. The caller holds the lock.
func (t *table) alive(r *row, now time.Time) *row {
	if r == nil || t.life < 0 {
		return r
	}
	left := r.since(now.UnixMilli() - int64(t.life)*1000)
	if len(left.columns) == 0 && len(r.columns) > 0 {
		return nil
	}
	return left
}

// definedType returns the declared type of a column; 0: none.
func (t *table) definedType(name string) int32 {
	for _, d := range t.defined {
		if d.Name == name {
			return d.Type
		}
	}
	return 0
}

func (t *table) isKey(name string) bool {
	return slices.ContainsFunc(t.key, func(k message.KeySchema) bool { return k.Name == name })
}

// columnSize returns the size of a version of a column, in bytes, as TableStore counts it.
// Timestamps count only if the table has several versions or a time to live.
func (t *table) columnSize(name string, v version) int {
	n := len(name) + v.value.Size()
	if t.versions > 1 || t.life >= 0 {
		n += 8
	}
	return n
}

// size returns the size of a row, in bytes, as TableStore counts it.
func (t *table) size(r *row) int {
	n := t.keySize(r.key)
	for _, c := range r.columns {
		for _, v := range c.versions {
			n += t.columnSize(c.name, v)
		}
	}
	return n
}
