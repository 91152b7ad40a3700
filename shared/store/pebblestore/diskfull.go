package pebblestore

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"millrace/shared/store/driver"
)

// defaultRetryInterval is how long a write waits when the disk is full, and how long Pebble waits
// before it tries again.
const defaultRetryInterval = time.Second

// diskFullState records whether Pebble has found the disk full. Memtables then cannot be flushed,
// and once they are full, writes would wait for ever. FreeFloor does not prevent that if it is
// smaller than a memtable.
type diskFullState struct {
	retryInterval time.Duration
	logger        *slog.Logger
	dir           string

	// when Pebble last found the disk full, ns since 1970; 0: the disk has space
	lastError atomic.Int64
	mu        sync.Mutex
	entered   atomic.Pointer[chan struct{}] // closed while the disk is full
}

func newDiskFullState(o Options) *diskFullState {
	c := &diskFullState{retryInterval: o.retryInterval, logger: o.Logger, dir: o.Dir}
	c.reset()
	return c
}

func (c *diskFullState) reset() {
	entered := make(chan struct{})
	c.entered.Store(&entered)
}

// signal returns a channel that is closed while the disk is full.
func (c *diskFullState) signal() <-chan struct{} { return *c.entered.Load() }

// onError handles a failure that Pebble reports.
func (c *diskFullState) onError(err error) {
	if !vfs.IsNoSpaceError(err) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastError.Swap(time.Now().UnixNano()) == 0 {
		c.logger.Error("store: the disk is full, writes are refused, reads go on", "dir", c.dir,
			"err", err)
		close(*c.entered.Load())
	}
}

// since returns how long ago Pebble last found the disk full, -1 if the disk has space.
func (c *diskFullState) since() time.Duration {
	last := c.lastError.Load()
	if last == 0 {
		return -1
	}
	return max(time.Duration(time.Now().UnixNano()-last), 0)
}

// checkWritable rejects writes until Pebble, which tries again after each retryInterval, has not
// found the disk full for four of them.
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
		return driver.ErrDiskFull
	}
	c.reset()
	c.lastError.Store(0)
	c.logger.Info("store: the disk has free space again, writes go on", "dir", c.dir)
	return nil
}

// throttledFS is a file system on which Pebble must wait before it creates its next table if the
// disk was full a moment ago. Without it, Pebble would fail a hundred times a second.
type throttledFS struct {
	vfs.FS
	diskFull *diskFullState
	stop     <-chan struct{}
}

// Create implements vfs.FS.
func (f *throttledFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	since, interval := f.diskFull.since(), f.diskFull.retryInterval
	if since >= 0 && since < interval && strings.HasSuffix(name, ".sst") {
		select {
		case <-time.After(interval - since):
		case <-f.stop:
		}
	}
	return f.FS.Create(name, category)
}

// Unwrap implements vfs.FS.
func (f *throttledFS) Unwrap() vfs.FS { return f.FS }
