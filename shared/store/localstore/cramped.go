package localstore

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"millrace/shared/store"
)

// pauseDefault is how long a write bears a full disk, and Pebble waits before it tries again.
const pauseDefault = time.Second

// cramped is whether Pebble met a full disk: what fills its memtables then stays there, and when they are full, writes
// would wait without end. The floor of the free space does not prevent that when it is smaller than a memtable.
type cramped struct {
	pause  time.Duration
	logger *slog.Logger
	dir    string

	last  atomic.Int64 // when Pebble met it last, ns since 1970; 0 when there is room
	mu    sync.Mutex
	begun atomic.Pointer[chan struct{}] // closed while the disk is full
}

func newCramped(o Options) *cramped {
	c := &cramped{pause: o.pause, logger: o.Logger, dir: o.Dir}
	c.renew()
	return c
}

func (c *cramped) renew() {
	begun := make(chan struct{})
	c.begun.Store(&begun)
}

// signal is closed while the disk is full.
func (c *cramped) signal() <-chan struct{} { return *c.begun.Load() }

// meet is told of Pebble's failures.
func (c *cramped) meet(err error) {
	if !vfs.IsNoSpaceError(err) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.Swap(time.Now().UnixNano()) == 0 {
		c.logger.Error("store: the disk is full, writes are refused, reads go on", "dir", c.dir, "err", err)
		close(*c.begun.Load())
	}
}

// since is how long ago Pebble met a full disk, -1 when there is room.
func (c *cramped) since() time.Duration {
	last := c.last.Load()
	if last == 0 {
		return -1
	}
	return max(time.Duration(time.Now().UnixNano()-last), 0)
}

// room refuses writes until Pebble, which tries again after each pause, has not met a full disk for some pauses.
func (c *cramped) room() error {
	if c.last.Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch d := c.since(); {
	case d < 0:
		return nil
	case d < 4*c.pause:
		return store.ErrFull
	}
	c.renew()
	c.last.Store(0)
	c.logger.Info("store: room on the disk again, writes go on", "dir", c.dir)
	return nil
}

// patientFS is a file system on which Pebble waits before it makes its next table when the disk was full a moment ago:
// Pebble itself would fail a hundred times a second.
type patientFS struct {
	vfs.FS
	cramped *cramped
	stop    <-chan struct{}
}

// Create implements vfs.FS.
func (f *patientFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if since := f.cramped.since(); since >= 0 && since < f.cramped.pause && strings.HasSuffix(name, ".sst") {
		select {
		case <-time.After(f.cramped.pause - since):
		case <-f.stop:
		}
	}
	return f.FS.Create(name, category)
}

// Unwrap implements vfs.FS.
func (f *patientFS) Unwrap() vfs.FS { return f.FS }
