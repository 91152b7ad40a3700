// Package store keeps flows, definitions, executions and their history over a narrow Driver. Only
// one write decides anything: the conditional write of a state row (R2 in docs/protocol.md).
package store

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/store/driver"
)

// The errors of a driver are also those of a Store.
var (
	ErrNotFound        = driver.ErrNotFound
	ErrConflict        = driver.ErrConflict
	ErrDiskFull        = driver.ErrDiskFull
	ErrDiskFullUnknown = driver.ErrDiskFullUnknown
)

// Options of a Store.
type Options struct {
	Driver driver.Driver
	Now    func() time.Time // nil: time.Now
	// TailBytes is the length at which the history tail leaves the state row for a row of its own.
	// 0: 2 KB, which suits an embedded store.
	TailBytes int
	Sizes     Sizes
	// Exclusive: no other process writes to this store, so the Store also caches flows in memory.
	Exclusive bool
	// DiskUse counts the disk space of each account, in an exclusive store; nil: nothing is
	// counted.
	DiskUse *DiskUse
	// ListShards is the number of shards of the list of a flow that is created, and the number to
	// which an update raises a smaller one; at most ListShardsMax. 0: 4.
	ListShards int
	// WakeShards is the number to which the stored number of shards of the wake index is raised, if
	// it is smaller; at most WakeShardsMax. 0: it stays. An embedded store has one.
	WakeShards int
	// Random returns non-zero random bits for the named purpose. nil: the random bits of the
	// system, which the secrets of executions need. A simulation passes its own function, whose
	// results depend only on who asks for what.
	Random func(purpose string) uint64
}

// Store keeps flows, definitions, executions and history over a Driver. It is safe for concurrent
// use.
type Store struct {
	driver    driver.Driver
	now       func() time.Time
	tailBytes int
	sizes     Sizes
	random    func(purpose string) uint64

	listShards int
	wakeShards int

	learning sync.Mutex   // held by the goroutine that reads the number of wake shards
	learnAt  atomic.Int64 // when to read the stored number of wake shards, ms since 1970

	mu          sync.Mutex
	definitions map[string]string // by flow id and hash; immutable texts, bounded
	versions    map[driver.Key]*Version

	diskUse *DiskUse
	flows   *flowCache // nil unless the store is exclusive
}

// New returns a Store over a driver.
func New(o Options) *Store {
	s := &Store{driver: o.Driver, now: o.Now, tailBytes: o.TailBytes, sizes: o.Sizes.withDefaults(),
		random: o.Random, diskUse: o.DiskUse,
		wakeShards:  min(o.WakeShards, WakeShardsMax),
		listShards:  min(cmp.Or(o.ListShards, defaultListShards), ListShardsMax),
		definitions: map[string]string{}, versions: map[driver.Key]*Version{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = func(string) uint64 { return Random() }
	}
	if s.tailBytes == 0 {
		s.tailBytes = 2 << 10
	}
	if s.driver.Shards() == 1 {
		s.learnAt.Store(math.MaxInt64)
	}
	if o.Exclusive {
		s.flows = newFlowCache()
	}
	return s
}

// Driver returns the driver below. The sweeper uses it.
func (s *Store) Driver() driver.Driver { return s.driver }

// Close closes the driver.
func (s *Store) Close() error { return s.driver.Close() }

func (s *Store) nowMillis() int64 { return s.now().UnixMilli() }

// Random returns non-zero random bits: see Options.Random.
func (s *Store) Random(purpose string) uint64 { return s.random(purpose) }

// Random returns 64 fresh random bits that are not all zero.
func Random() uint64 {
	var b [8]byte
	for {
		rand.Read(b[:])
		if u := binary.BigEndian.Uint64(b[:]); u != 0 {
			return u
		}
	}
}
