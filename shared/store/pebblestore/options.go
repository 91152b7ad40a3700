// Package pebblestore is the embedded, durable driver: a Pebble database with one committer.
//
// The committer takes all waiting writes as one group: it checks their conditions in order, writes
// one batch with one sync, and then completes all of them. So a single caller waits for about one
// sync of the disk, and throughput grows with the number of callers. Partitions are numbered in the
// order of their first write, and a row's key begins with the number of its partition. New keys
// then arrive in order, which saves Pebble most of its compactions.
//
// Readers see the state after the last synced group, never a write that a crash could still undo.
package pebblestore

import (
	"log/slog"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where the store is and which resources it may use. A zero value means the default,
// which each field names.
type Options struct {
	// Dir is the data directory. Open creates it if it is missing. One process owns it.
	Dir string

	// MemtableBytes is the size of a memtable. Pebble holds two of them, and a third for moments.
	// 32 MiB.
	MemtableBytes int

	// CacheBytes is the size of the cache of blocks read from disk. 16 MiB.
	CacheBytes int

	// CacheRows is how many partition numbers, and how many headers of state rows, are cached in
	// memory. 16,384.
	CacheRows int

	// FreeFloor is the free space of the disk in bytes below which writes are rejected with
	// store.ErrDiskFull. Deletes are accepted down to half of it. It is checked every second. 256
	// MiB; negative: no floor.
	FreeFloor int64

	// Logger logs what an operator must know. slog.Default().
	Logger *slog.Logger

	// Fatal is called after a write or sync of the log has failed, when the content of the disk is
	// unknown. The error has been logged. The default ends the process. If Fatal returns, every
	// later call fails with that error.
	Fatal func(err error)

	// FS is the file system; tests replace it. vfs.Default.
	FS vfs.FS

	retryInterval time.Duration // pause after a full disk; 0: defaultRetryInterval
}

func (o *Options) setDefaults() {
	if o.MemtableBytes <= 0 {
		o.MemtableBytes = 32 << 20
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 16 << 20
	}
	if o.CacheRows <= 0 {
		o.CacheRows = 16_384
	}
	if o.FreeFloor == 0 {
		o.FreeFloor = 256 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Fatal == nil {
		o.Fatal = func(error) { os.Exit(1) }
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.retryInterval == 0 {
		o.retryInterval = defaultRetryInterval
	}
}
