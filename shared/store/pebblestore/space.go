package pebblestore

import (
	"time"

	"millrace/shared/store/driver"
)

// Space levels.
const (
	spaceEnough   int32 = iota
	spaceLow            // writes are rejected
	spaceCritical       // deletes are rejected too: they write before they free space
)

// watchSpace checks the free space every second until the store is closed.
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
		return // a file system without this information has no floor
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
		s.options.Logger.Info("store: enough free disk space, writes go on", "dir", s.options.Dir,
			"free", usage.AvailBytes)
	} else {
		s.options.Logger.Error("store: too little free disk space, writes are refused, reads go on",
			"dir", s.options.Dir, "free", usage.AvailBytes, "floor", floor)
	}
}

// Free returns how many bytes may still be written above the floor, as of the last check, which is
// at most a second old. ok is false if there is no floor, or the file system does not report its
// free space.
func (s *Store) Free() (bytes int64, ok bool) {
	n := s.free.Load()
	return n - 1, n > 0
}

// checkWritable returns store.ErrDiskFull if the store does not accept a write, or a delete.
func (s *Store) checkWritable(deletes bool) error {
	if level := s.space.Load(); level == spaceCritical || level == spaceLow && !deletes {
		return driver.ErrDiskFull
	}
	return s.diskFull.checkWritable()
}
