package pebblestore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"millrace/shared/store/driver"
)

// ErrClosed is the error of every call after Close.
var ErrClosed = errors.New("pebblestore: closed")

// Store is a driver in a directory of this machine.
type Store struct {
	options  Options
	lock     *pebble.Lock
	db       *pebble.DB
	failure  *failure
	diskFull *diskFullState
	marker   *durabilityMarker

	queue      queue
	space      atomic.Int32        // one of the space levels
	free       atomic.Int64        // bytes above the floor at the last check, plus 1; 0: not known
	inFlight   chan *inFlightGroup // from commitLoop to syncLoop
	snapshots  snapshots
	partitions partitions
	committer  committer

	background sync.WaitGroup
	stop       chan struct{} // closed by Close
	closing    sync.Once
	closeErr   error
}

var _ driver.Driver = (*Store)(nil)

// Open opens the store in options.Dir, or creates it. It fails if another process has the directory
// open, or if a newer program wrote it. It reads only the log that Pebble has not flushed to tables
// yet, however large the store is.
func Open(ctx context.Context, options Options) (*Store, error) {
	options.setDefaults()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if options.Dir == "" {
		return nil, errors.New("pebblestore: no data directory is given")
	}
	if err := checkForeign(options); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(options)
	if err != nil {
		return nil, err
	}
	s, err := open(options)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	s.background.Go(s.commitLoop)
	s.background.Go(s.syncLoop)
	s.background.Go(s.watchManifest)
	if options.FreeFloor > 0 {
		s.checkSpace()
		s.background.Go(s.watchSpace)
	}
	return s, nil
}

// open opens the store in a directory whose lock this process holds.
func open(options Options) (*Store, error) {
	if err := checkFormat(options); err != nil {
		return nil, err
	}
	if err := makeDir(options.FS, databaseDir(options)); err != nil {
		return nil, fmt.Errorf("pebblestore: make %s: %w", databaseDir(options), err)
	}
	// An earlier process may have ended between creating a directory and syncing its parent. The
	// sync of the parent of Dir may fail, because this process may have no right to read it.
	syncDir(options.FS, options.FS.PathDir(options.Dir))
	if err := syncDir(options.FS, options.Dir); err != nil {
		return nil, fmt.Errorf("pebblestore: sync %s: %w", options.Dir, err)
	}
	marker, known, err := openDurabilityMarker(options)
	if err != nil {
		return nil, err
	}
	s := &Store{options: options, stop: make(chan struct{}), failure: newFailure(options),
		diskFull: newDiskFullState(options), marker: marker}
	db, err := pebble.Open(databaseDir(options), s.pebbleOptions())
	if err != nil {
		return nil, openError(options, err)
	}
	next, err := firstFreePartitionID(db)
	if err != nil {
		db.Close()
		return nil, openError(options, err)
	}
	seq, err := firstSequenceNumber(db, next)
	if err == nil {
		err = marker.begin(options, known, seq)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	marker.recordManifest(databaseDir(options))
	s.db = db
	s.queue.signal = make(chan struct{}, 1)
	s.partitions.init(options.CacheRows)
	s.committer.init(next, options.CacheRows)
	s.inFlight = make(chan *inFlightGroup)
	s.snapshots.replace(&snapshot{pebble: db.NewSnapshot(), nextPartitionID: next})
	return s, nil
}

// firstFreePartitionID returns the lowest number that no partition has.
func firstFreePartitionID(db *pebble.DB) (uint64, error) {
	value, closer, err := db.Get([]byte(keyNextPartitionID))
	if errors.Is(err, pebble.ErrNotFound) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, errors.New("the counter of the partitions is damaged")
	}
	return binary.BigEndian.Uint64(value), nil
}

// firstSequenceNumber writes the counter of the partitions again, unchanged, and returns the
// sequence number of that write.
func firstSequenceNumber(db *pebble.DB, next uint64) (uint64, error) {
	batch := db.NewBatch()
	defer batch.Close()
	var value [8]byte
	binary.BigEndian.PutUint64(value[:], next)
	if err := batch.Set([]byte(keyNextPartitionID), value[:], nil); err != nil {
		return 0, err
	}
	if err := db.Apply(batch, pebble.NoSync); err != nil {
		return 0, err
	}
	return uint64(batch.SeqNum()), nil
}

func (s *Store) pebbleOptions() *pebble.Options {
	o := s.options
	p := &pebble.Options{
		FS:                 &throttledFS{FS: o.FS, diskFull: s.diskFull, stop: s.stop},
		FormatMajorVersion: pebble.FormatTableFormatV6,
		// Pebble allocates memtables from the cache: the one being written, and one that is being
		// flushed or kept for reuse. Without space for both, nothing would be cached under many
		// writes.
		CacheSize:                   int64(o.CacheBytes + 2*o.MemtableBytes),
		MemTableSize:                uint64(o.MemtableBytes),
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       32,
		LBaseMaxBytes:               64 << 20,
		MaxManifestFileSize:         8 << 20,
		MaxOpenFiles:                500,
		Logger:                      s.failure,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	p.EventListener = &pebble.EventListener{
		BackgroundError: func(err error) {
			s.diskFull.onError(err)
			s.failure.Errorf("background error: %s", err)
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) { s.failure.damaged(i.Path, i.Details) },
	}
	p.TargetFileSizes[0] = 8 << 20
	// A claim looks up a partition that does not exist. A filter answers that without reading a
	// block.
	p.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	return p
}

// Shards returns 1: one process reads the whole wake index.
func (s *Store) Shards() int { return 1 }

// SetShards changes nothing: one ordered index takes all writes.
func (s *Store) SetShards(int) {}

// Close rejects new calls, waits until pending writes are durable and completed and readers are
// done, and unlocks the directory. It may be called more than once.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	s.queue.close()
	close(s.stop)
	s.background.Wait()
	if err := s.failure.get(); err != nil {
		// The content of the disk is unknown, and Pebble may have stopped anywhere: the directory
		// stays locked until the process ends.
		return err
	}
	s.snapshots.close()
	var flushed error
	if s.space.Load() == spaceEnough {
		flushed = s.db.Flush() // so that the next Open has no log to read
	}
	err := errors.Join(flushed, s.db.Close())
	s.marker.recordManifest(databaseDir(s.options))
	if err := errors.Join(err, s.marker.file.Close(), s.lock.Close()); err != nil {
		return fmt.Errorf("pebblestore: close %s: %w", s.options.Dir, err)
	}
	return nil
}
