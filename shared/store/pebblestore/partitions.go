package pebblestore

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// partitions caches the numbers of partitions. Only the committer adds and removes numbers: a
// reader that added a number from an older snapshot could bring a removed number back.
type partitions struct {
	mu  sync.RWMutex
	ids twoGenerationCache[string, uint64]
}

func (p *partitions) init(size int) { p.ids = newTwoGenerationCache[string, uint64](size) }

func (p *partitions) peek(partition string) (uint64, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.ids.peek(partition)
}

func (p *partitions) get(partition string) (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids.get(partition)
}

func (p *partitions) set(partition string, number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids.set(partition, number)
}

func (p *partitions) remove(partition string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids.remove(partition)
}

// getter is the common interface of Pebble's database and its snapshots.
type getter interface {
	Get(key []byte) (value []byte, closer io.Closer, err error)
}

// readPartitionID reads the number of a partition from the dictionary; 0 if it has none.
func readPartitionID(from getter, key []byte) (uint64, error) {
	value, closer, err := from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, damaged("dictionary of partitions", key)
	}
	return binary.BigEndian.Uint64(value), nil
}
