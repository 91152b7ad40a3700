// Package pebblestore is the embedded, durable store.Driver: Pebble behind one committer.
//
// All writes that wait are committed as one group: conditions checked in order, one batch, one synced write, then
// all answers. So a single caller waits for about one sync of the disk, and throughput grows with the number of
// callers. Partitions are numbered in the order of their arrival, and rows stand under the number: new keys then come
// in order, which spares Pebble most of its compactions.
//
// Readers see the state after the last synced group, never a write that a crash could still undo.
package pebblestore

import (
	"log/slog"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where the store is and what it may use. Zero values mean the defaults.
type Options struct {
	// Dir is the data directory; it is made when missing. One process owns it.
	Dir string

	// MemtableBytes is the size of a memtable. Two of them are held, a third for moments. 32 MiB.
	MemtableBytes int

	// CacheBytes is the size of the cache of blocks read from disk. 16 MiB.
	CacheBytes int

	// CacheRows is how many partition numbers, and how many versions of state rows, are kept in memory. 16,384.
	CacheRows int

	// FreeFloor is the free space of the disk in bytes below which writes are refused with store.ErrFull; deletes go
	// on to half of it. It is looked at each second. 256 MiB; negative: no floor.
	FreeFloor int64

	// Logger gets what an operator must know; slog.Default().
	Logger *slog.Logger

	// Fatal is called when a write or sync of the log has failed, so that nobody knows what is on the disk; the error
	// has been logged. The default ends the process. If Fatal returns, every later call fails with that error.
	Fatal func(err error)

	// FS is the file system, for tests; the machine's.
	FS vfs.FS

	retryInterval time.Duration // of who meets a full disk; defaultRetryInterval
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
