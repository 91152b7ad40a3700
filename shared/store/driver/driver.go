// Package driver is what a store over a new database implements: the interface Driver with its rows
// and errors, and what drivers share. Drivers need nothing of package store, and only those who
// write or test a driver need this package.
package driver

import (
	"context"
	"errors"
)

// Key names a row. The rows of one partition are ordered by Sort, byte by byte.
type Key struct {
	Partition string
	Sort      string
}

// Row is one row of a driver. A driver stores every field, does not interpret Data, and indexes
// Wake and List.
type Row struct {
	Key
	Version int64  // 1, 2, 3 … of a row written by compare-and-set; 0 for rows that are only put
	Fence   string // of a row written by compare-and-set: the incarnation that Version counts in
	Data    []byte
	Wake    int64 // ms since 1970: the wake index lists the row from then on; 0: never
	List    *ListEntry
	Expires int64 // ms since 1970: readers treat the row as absent from then on; 0: never
}

// ListEntry places a row in the list index.
type ListEntry struct {
	Group  string // entries of one group are listed together
	Sort   string // order in the group, byte by byte; unique in it together with the row's key
	Fields []byte // copied into the index
}

// Condition must hold for a conditional write. The driver checks it and applies the write in one
// atomic step.
type Condition struct {
	// Absent: the row does not exist, or it has expired at Now.
	Absent bool
	Now    int64 // ms since 1970
	// If Absent is false: the row exists with this Version and Fence.
	Version int64
	Fence   string
}

// Errors of a driver. Any other error of a write means an unknown outcome: the write may or may not
// have been applied.
var (
	ErrNotFound = errors.New("store: no such row")
	ErrConflict = errors.New("store: condition not met, nothing decided by this write")
	ErrDiskFull = errors.New("store: disk nearly full, writes are refused")
)

// ErrDiskFullUnknown means an unknown outcome: the disk became full during the write.
var ErrDiskFullUnknown = errors.New("store: the disk is full, the write may or may not be applied")

// Driver is one store. All methods are safe for concurrent use. The caller must not change a Row or
// its slices after passing it to the driver, nor a Row that the driver returned.
//
// Durability: a write that returned nil survives a crash right after it. Get and Range return only
// durable rows: while a write is not durable, they return the rows before it, or wait. List and Due
// may lag behind.
type Driver interface {
	// Get reads one row, strongly consistent. It returns ErrNotFound if the row does not exist. It
	// returns an expired row as it is: the Store checks expiry.
	Get(ctx context.Context, key Key) (Row, error)

	// Range reads rows of one partition with from <= Sort < to, in order (or in reverse), at most
	// limit, strongly consistent. more reports that rows may be left: a page may end before limit,
	// because a driver also bounds it in bytes, but a page with more has at least one row. Limit 0
	// asks for as many rows as a page holds.
	Range(ctx context.Context, r Range) (rows []Row, more bool, err error)

	// Commit writes puts without a condition and cas under cond. The puts are durable no later than
	// cas; they may stay if cas is rejected. nil: applied. ErrConflict: cas was not applied.
	// Another error: the outcome is unknown.
	Commit(ctx context.Context, puts []Row, cas Row, cond Condition) error

	// Put writes rows without a condition. They are durable when it returns nil.
	Put(ctx context.Context, rows []Row) error

	// Delete removes a row. With cond it does so only if cond holds, and otherwise returns
	// ErrConflict. Without cond, a missing row is no error.
	Delete(ctx context.Context, key Key, cond *Condition) error

	// List reads the list index: entries of one group with from <= Sort < to, in order (or in
	// reverse), at most limit. It is eventually consistent. Its pages are like those of Range.
	List(ctx context.Context, l ListRange) (entries []Listed, more bool, err error)

	// Due reads the wake index: rows of one shard with Wake <= until, ordered by Wake, at most
	// limit. It starts after the cursor of an earlier call ("" for the first). It is eventually
	// consistent. next is "" if no row is left.
	Due(
		ctx context.Context, shard int, until int64, cursor string, limit int,
	) (due []DueRow, next string, err error)

	// Shards returns the number of shards of the wake index: Due takes any shard below it, and a
	// row that is written gets one of them. An index that needs no shards has 1.
	Shards() int

	// SetShards raises Shards to n, if the index has more than one shard. A smaller number changes
	// nothing: rows stay in their shards until they are written again.
	SetShards(n int)

	// Close waits until pending writes are durable and releases the store.
	Close() error
}

// Range is the argument of Driver.Range.
type Range struct {
	Partition string
	From, To  string // From <= Sort < To; To "" means no upper bound
	Limit     int
	Reverse   bool
}

// ListRange is the argument of Driver.List.
type ListRange struct {
	Group    string
	From, To string // From <= Sort < To; To "" means no upper bound
	Limit    int
	Reverse  bool
}

// Listed is one entry of the list index.
type Listed struct {
	Key  Key
	Sort string
	// Fields are those of the row's ListEntry.
	Fields []byte
}

// DueRow is one entry of the wake index.
type DueRow struct {
	Key  Key
	Wake int64
}
