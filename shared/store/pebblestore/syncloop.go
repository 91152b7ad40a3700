package pebblestore

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// inFlightGroup is a group whose sync is under way.
type inFlightGroup struct {
	requests []*request
	batch    *pebble.Batch // empty if the group changes nothing
	// what readers see once the group is durable; nil if the group changes nothing
	snapshot *snapshot
}

var inFlightPool = sync.Pool{New: func() any { return new(inFlightGroup) }}

// syncLoop waits for the sync of group after group, shows each to readers, and then completes its
// requests. Until then it completes none of them, not even a conflict: a crash could still undo the
// write that caused it.
func (s *Store) syncLoop() {
	for f := range s.inFlight {
		err := s.failure.get()
		if err == nil && f.snapshot != nil {
			if err = f.batch.SyncWait(); err != nil {
				s.failure.set(err)
			}
			err = s.failure.get()
		}
		if err != nil {
			completeAll(f.requests, err)
			continue
		}
		if f.snapshot != nil {
			s.snapshots.replace(f.snapshot)
			s.marker.recordSequence(uint64(f.batch.SeqNum()) + uint64(f.batch.Count()) - 1)
		}
		for _, r := range f.requests {
			r.done <- struct{}{}
		}
		f.batch.Close()
		clear(f.requests)
		*f = inFlightGroup{requests: f.requests[:0]}
		inFlightPool.Put(f)
	}
}

func completeAll(requests []*request, err error) {
	for _, r := range requests {
		r.err = err
		r.done <- struct{}{}
	}
}
