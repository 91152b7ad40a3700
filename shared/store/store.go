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
	Now    func() time.Time // nil: the clock
	// TailBytes is how long the history tail in the state row grows before it moves to a row of its own;
	// 0: 2 KB, right for an embedded store.
	TailBytes int
	Sizes     Sizes
	// Exclusive says that no other process writes to this store: flows are then kept in memory too.
	Exclusive bool
	// DiskUse counts what each account takes, in a store that is exclusive; nil: nothing is
	// counted.
	DiskUse *DiskUse
	// Random gives random bits that are not zero, for a purpose that about names. nil: those of the system, which the
	// secrets of executions need; a simulation gives its own, so that it depends on nothing but who asks for what.
	Random func(about string) uint64
}

// Store keeps flows, definitions, executions and history over a Driver. It is safe for many goroutines.
type Store struct {
	driver    Driver
	now       func() time.Time
	tailBytes int
	sizes     Sizes
	random    func(about string) uint64

	mu          sync.Mutex
	definitions map[string]string // by flow id and hash; immutable texts, bounded

	diskUse *DiskUse   // nil: nothing is counted
	flows   *flowCache // nil unless the store is exclusive
}

// New returns a Store over a driver.
func New(o Options) *Store {
	s := &Store{driver: o.Driver, now: o.Now, tailBytes: o.TailBytes, sizes: o.Sizes.withDefaults(), random: o.Random, diskUse: o.DiskUse,
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

// Driver is the driver below, for the sweeper.
func (s *Store) Driver() Driver { return s.driver }

// Close closes the driver.
func (s *Store) Close() error { return s.driver.Close() }

func (s *Store) nowMillis() int64 { return s.now().UnixMilli() }

// Random gives random bits that are not zero: see Options.Random.
func (s *Store) Random(purpose string) uint64 { return s.random(purpose) }

// Random gives 8 fresh random bytes that are not zero.
func Random() uint64 {
	var b [8]byte
	for {
		rand.Read(b[:])
		if u := binary.BigEndian.Uint64(b[:]); u != 0 {
			return u
		}
	}
}
