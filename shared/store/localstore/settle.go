package localstore

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// flight is a group on its way to the disk.
type flight struct {
	requests []*request
	batch    *pebble.Batch // empty when the group changes nothing
	view     *view         // what readers see once it is durable; nil when the group changes nothing
}

var flights = sync.Pool{New: func() any { return new(flight) }}

// settleAll waits for the sync of group after group, shows each to readers, and then answers its callers. Nobody is
// answered before, not even who lost: the winner could still be undone by a crash.
func (s *Store) settleAll() {
	for f := range s.flights {
		err := s.failure.get()
		if err == nil && f.view != nil {
			if err = f.batch.SyncWait(); err != nil {
				s.failure.set(err)
			}
			err = s.failure.get()
		}
		if err != nil {
			answer(f.requests, err)
			continue
		}
		if f.view != nil {
			s.views.replace(f.view)
			s.witness.durable(uint64(f.batch.SeqNum()) + uint64(f.batch.Count()) - 1)
		}
		for _, r := range f.requests {
			r.done <- struct{}{}
		}
		f.batch.Close()
		clear(f.requests)
		*f = flight{requests: f.requests[:0]}
		flights.Put(f)
	}
}

func answer(requests []*request, err error) {
	for _, r := range requests {
		r.err = err
		r.done <- struct{}{}
	}
}
