package pebblestore

import (
	"time"

	"millrace/shared/store"
)

// Space levels.
const (
	spaceEnough   int32 = iota
	spaceLow            // writes are refused
	spaceCritical       // deletes, too: they also write before they free
)

// watchSpace looks at the free space each second until the store is closed.
func (s *Store) watchSpace() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.checkSpace()
		}
	}
}

func (s *Store) checkSpace() {
	usage, err := s.options.FS.GetDiskUsage(s.options.Dir)
	if err != nil {
		return // a file system that cannot tell has no floor
	}
	floor := uint64(s.options.FreeFloor)
	s.free.Store(int64(usage.AvailBytes-min(floor, usage.AvailBytes)) + 1)
	level := spaceEnough
	switch {
	case usage.AvailBytes < floor/2:
		level = spaceCritical
	case usage.AvailBytes < floor:
		level = spaceLow
	}
	if before := s.space.Swap(level); before == level {
		return
	}
	if level == spaceEnough {
		s.options.Logger.Info("store: enough free disk space, writes go on", "dir", s.options.Dir, "free", usage.AvailBytes)
	} else {
		s.options.Logger.Error("store: too little free disk space, writes are refused, reads go on",
			"dir", s.options.Dir, "free", usage.AvailBytes, "floor", floor)
	}
}

// Free returns how many bytes may still be written before the floor is met, as of a second ago; !ok
// when there is no floor, or the file system cannot tell.
func (s *Store) Free() (bytes int64, ok bool) {
	n := s.free.Load()
	return n - 1, n > 0
}

// checkWritable tells whether a write, or only a delete, is taken.
func (s *Store) checkWritable(deletes bool) error {
	if level := s.space.Load(); level == spaceCritical || level == spaceLow && !deletes {
		return store.ErrDiskFull
	}
	return s.diskFull.checkWritable()
}
