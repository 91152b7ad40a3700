package store

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// Options of a Store.
type Options struct {
	Driver Driver
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
	// Random returns non-zero random bits for the named purpose. nil: the random bits of the
	// system, which the secrets of executions need. A simulation passes its own function, whose
	// results depend only on who asks for what.
	Random func(purpose string) uint64
}

// Store keeps flows, definitions, executions and history over a Driver. It is safe for concurrent
// use.
type Store struct {
	driver    Driver
	now       func() time.Time
	tailBytes int
	sizes     Sizes
	random    func(purpose string) uint64

	mu          sync.Mutex
	definitions map[string]string // by flow id and hash; immutable texts, bounded

	diskUse *DiskUse
	flows   *flowCache // nil unless the store is exclusive
}

// New returns a Store over a driver.
func New(o Options) *Store {
	s := &Store{driver: o.Driver, now: o.Now, tailBytes: o.TailBytes, sizes: o.Sizes.withDefaults(),
		random: o.Random, diskUse: o.DiskUse,
		definitions: map[string]string{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = func(string) uint64 { return Random() }
	}
	if s.tailBytes == 0 {
		s.tailBytes = 2 << 10
	}
	if o.Exclusive {
		s.flows = newFlowCache()
	}
	return s
}

// Driver returns the driver below. The sweeper uses it.
func (s *Store) Driver() Driver { return s.driver }

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
