package pebblestore

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"millrace/shared/store"
)

// defaultRetryInterval is how long a write bears a full disk, and Pebble waits before it tries again.
const defaultRetryInterval = time.Second

// diskFullState is whether Pebble met a full disk: what fills its memtables then stays there, and when they are full, writes
// would wait without end. The floor of the free space does not prevent that when it is smaller than a memtable.
type diskFullState struct {
	retryInterval time.Duration
	logger        *slog.Logger
	dir           string

	lastError atomic.Int64 // when Pebble met it last, ns since 1970; 0 when there is room
	mu        sync.Mutex
	entered   atomic.Pointer[chan struct{}] // closed while the disk is full
}

func newDiskFullState(o Options) *diskFullState {
	c := &diskFullState{retryInterval: o.retryInterval, logger: o.Logger, dir: o.Dir}
	c.reset()
	return c
}

func (c *diskFullState) reset() {
	begun := make(chan struct{})
	c.entered.Store(&begun)
}

// signal is closed while the disk is full.
func (c *diskFullState) signal() <-chan struct{} { return *c.entered.Load() }

// onError is told of Pebble's failures.
func (c *diskFullState) onError(err error) {
	if !vfs.IsNoSpaceError(err) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastError.Swap(time.Now().UnixNano()) == 0 {
		c.logger.Error("store: the disk is full, writes are refused, reads go on", "dir", c.dir, "err", err)
		close(*c.entered.Load())
	}
}

// since is how long ago Pebble met a full disk, -1 when there is room.
func (c *diskFullState) since() time.Duration {
	last := c.lastError.Load()
	if last == 0 {
		return -1
	}
	return max(time.Duration(time.Now().UnixNano()-last), 0)
}

// checkWritable refuses writes until Pebble, which tries again after each pause, has not met a full disk for some pauses.
func (c *diskFullState) checkWritable() error {
	if c.lastError.Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch d := c.since(); {
	case d < 0:
		return nil
	case d < 4*c.retryInterval:
		return store.ErrDiskFull
	}
	c.reset()
	c.lastError.Store(0)
	c.logger.Info("store: room on the disk again, writes go on", "dir", c.dir)
	return nil
}

// throttledFS is a file system on which Pebble waits before it makes its next table when the disk was full a moment ago:
// Pebble itself would fail a hundred times a second.
type throttledFS struct {
	vfs.FS
	diskFull *diskFullState
	stop     <-chan struct{}
}

// Create implements vfs.FS.
func (f *throttledFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if since := f.diskFull.since(); since >= 0 && since < f.diskFull.retryInterval && strings.HasSuffix(name, ".sst") {
		select {
		case <-time.After(f.diskFull.retryInterval - since):
		case <-f.stop:
		}
	}
	return f.FS.Create(name, category)
}

// Unwrap implements vfs.FS.
func (f *throttledFS) Unwrap() vfs.FS { return f.FS }
