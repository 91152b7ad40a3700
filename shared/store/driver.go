// Package store keeps flows, definitions, executions and their history over a narrow Driver. Only one write
// decides anything: the conditional write of a state row (design.md R2).
package store

import (
	"context"
	"errors"
)

// Key names a row: rows of one partition are ordered by Sort, byte by byte.
type Key struct {
	Partition string
	Sort      string
}

// Row is what a driver keeps. Data is opaque to it. A driver keeps all fields; it indexes Wake and List.
type Row struct {
	Key
	Version int64  // of a row written by compare-and-set: 1, 2, 3 …; 0 for rows that are only put
	Fence   string // of such a row: the incarnation that the version counts in
	Data    []byte
	Wake    int64 // ms since 1970: the wake index lists the row from then on; 0: never
	List    *ListEntry
	Expires int64 // ms since 1970: from then on the row is absent to every reader; 0: never
}

// ListEntry puts a row into the list index.
type ListEntry struct {
	Group  string // what is listed together
	Sort   string // order in the group, byte by byte; unique in the group together with the row's key
	Fields []byte // copied into the index
}

// Condition is what must hold for a conditional write, checked and applied as one.
type Condition struct {
	// Absent: there is no row, or it has expired at Now.
	Absent bool
	Now    int64 // ms since 1970
	// Otherwise: the row is there with this Version and Fence.
	Version int64
	Fence   string
}

// Errors of a driver. Any other error of a write means: unknown, it may or may not have been applied.
var (
	ErrNotFound = errors.New("store: no such row")
	ErrConflict = errors.New("store: condition not met, nothing decided by this write")
	ErrDiskFull = errors.New("store: disk nearly full, writes are refused")
)

// ErrDiskFullUnknown is one of those others that a driver may give when the disk became full under a write.
var ErrDiskFullUnknown = errors.New("store: the disk is full, the write may or may not be applied")

// Driver is one store. All methods are safe for many goroutines. The caller must not change a Row or its slices
// after handing it over, and must not change what it gets.
//
// Durability: a write that has returned nil survives a crash at once after it, and nothing that Get or Range shows
// can be lost by a crash: they wait for what is not yet durable. List and Due may lag behind.
type Driver interface {
	// Get reads one row, strongly consistent. ErrNotFound when there is none; an expired row is returned as it
	// is (the Store judges expiry).
	Get(ctx context.Context, key Key) (Row, error)

	// Range reads rows of one partition with from <= Sort < to in order (or in reverse), at most limit, strongly
	// consistent. more tells that rows may be left: a page may end before limit (a driver bounds it in bytes, too), but
	// with more it has at least one row. Limit 0 asks for as many as a page holds.
	Range(ctx context.Context, r Range) (rows []Row, more bool, err error)

	// Commit writes puts without a condition and cas under cond. The puts are durable no later than cas; they may
	// stay when cas is refused. nil: applied. ErrConflict: cas was not applied. Other: unknown.
	Commit(ctx context.Context, puts []Row, cas Row, cond Condition) error

	// Put writes rows without a condition; durable when it returns nil.
	Put(ctx context.Context, rows []Row) error

	// Delete removes a row. With cond only if it holds (ErrConflict otherwise). A missing row is fine without cond.
	Delete(ctx context.Context, key Key, cond *Condition) error

	// List reads the list index: entries of one group with from <= Sort < to in order (or in reverse), at most
	// limit. Eventually consistent. Pages are as those of Range.
	List(ctx context.Context, l ListRange) (entries []Listed, more bool, err error)

	// Due reads the wake index: rows of one shard with Wake <= until, in the order of Wake, starting after the
	// cursor of an earlier call ("" for the first), at most limit. Eventually consistent. The next cursor is ""
	// when nothing is left.
	Due(ctx context.Context, shard int, until int64, cursor string, limit int) (due []DueRow, next string, err error)

	// Shards is the number of shards of the wake index, at least 1.
	Shards() int

	// Close releases the store after pending writes are durable.
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
	// Fields as they were written with the row.
	Fields []byte
}

// DueRow is one entry of the wake index.
type DueRow struct {
	Key  Key
	Wake int64
}
