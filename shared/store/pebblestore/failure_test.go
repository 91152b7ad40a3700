package pebblestore_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"millrace/shared/store/driver"
	"millrace/shared/store/pebblestore"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// TestFull: below the floor writes are rejected and reads go on; deletes are accepted down to half
// of the floor.
func TestFull(t *testing.T) {
	fs := &gateFS{FS: vfs.Default}
	s := open(t, pebblestore.Options{Dir: t.TempDir(), FS: fs, FreeFloor: 1000, Logger: quiet})
	key := func(sort string) driver.Key { return driver.Key{Partition: "p", Sort: sort} }
	for _, c := range []struct {
		free           uint64
		writes, delete bool
	}{{1_000, true, true}, {999, false, true}, {500, false, true}, {499, false, false},
		{1 << 40, true, true}} {
		fs.free.Store(1 << 40)
		pebblestore.CheckSpace(s)
		if err := s.Put(t.Context(), []driver.Row{{Key: key("old")}}); err != nil {
			t.Fatalf("Put: %v", err)
		}
		fs.free.Store(c.free)
		pebblestore.CheckSpace(s)
		allowed := func(name string, err error, want bool) {
			t.Helper()
			if want && err != nil || !want && !errors.Is(err, driver.ErrDiskFull) {
				t.Errorf("%d bytes free: %s answers %v, allowed: %v", c.free, name, err, want)
			}
		}
		allowed("Put", s.Put(t.Context(), []driver.Row{{Key: key("b")}}), c.writes)
		row := driver.Row{Key: key(fmt.Sprint("a", c.free)), Version: 1}
		allowed("Commit", s.Commit(t.Context(), nil, row, driver.Condition{Absent: true}), c.writes)
		if _, err := s.Get(t.Context(), key("old")); err != nil {
			t.Errorf("%d bytes free: Get answers %v", c.free, err)
		}
		allowed("Delete", s.Delete(t.Context(), key("old"), nil), c.delete)
	}
}

// TestFullDisk: if Pebble finds no space for a table, writes are rejected instead of waiting for
// ever, Pebble does not retry all the time, and few lines are logged. Once the disk has space,
// writes go on.
func TestFullDisk(t *testing.T) {
	t.Parallel() // this test sleeps
	// writes go on after four of these without an attempt of Pebble
	const pause = 400 * time.Millisecond
	fs := &gateFS{FS: vfs.Default}
	lines := &lineCounter{}
	s := open(t, pebblestore.WithRetryInterval(
		pebblestore.Options{Dir: t.TempDir(), FS: fs, FreeFloor: -1, MemtableBytes: 256 << 10,
			Logger: slog.New(slog.NewTextHandler(lines, nil))}, pause))
	row := func(i int) driver.Row {
		return driver.Row{Key: driver.Key{Partition: "p", Sort: fmt.Sprintf("%06d", i)},
			Data: make([]byte, 20<<10)}
	}
	fs.full.Store(true)
	written, began := 0, time.Now()
	for ; ; written++ {
		err := s.Put(t.Context(), []driver.Row{row(written)})
		if errors.Is(err, driver.ErrDiskFull) {
			break
		} else if written > 1000 {
			t.Fatalf("%d writes, the last answers %v", written, err)
		}
	}
	for range 10 {
		if err := s.Put(t.Context(), []driver.Row{row(0)}); !errors.Is(err, driver.ErrDiskFull) {
			t.Errorf("Put on a full disk: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if tried, max := fs.tables.Load(), int64(time.Since(began)/pause)+5; tried == 0 || tried > max {
		t.Errorf("Pebble tried %d times, at most %d are right", tried, max)
	}
	if n := lines.n.Load(); n != 2 {
		t.Errorf("%d lines were logged", n)
	}
	if _, err := s.Get(t.Context(), row(0).Key); err != nil {
		t.Errorf("Get on a full disk: %v", err)
	}
	fs.full.Store(false)
	for errors.Is(s.Put(t.Context(), []driver.Row{row(written)}), driver.ErrDiskFull) {
		time.Sleep(10 * time.Millisecond)
	}
	if err := s.Put(t.Context(), []driver.Row{row(written)}); err != nil {
		t.Errorf("Put with room again: %v", err)
	}
}

// TestFullDiskMeetsWriter: a write that Pebble holds back when it finds the disk full returns an
// error.
func TestFullDiskMeetsWriter(t *testing.T) {
	fs := &gateFS{FS: vfs.Default, wait: make(chan struct{})}
	s := open(t, pebblestore.WithRetryInterval(
		pebblestore.Options{Dir: t.TempDir(), FS: fs, FreeFloor: -1, MemtableBytes: 256 << 10,
			Logger: quiet}, time.Second))
	fs.full.Store(true)
	var written atomic.Int64
	result := make(chan error, 1)
	go func() {
		for {
			key := driver.Key{Partition: "p", Sort: fmt.Sprint(written.Load())}
			if err := s.Put(
				t.Context(), []driver.Row{{Key: key, Data: make([]byte, 20<<10)}},
			); err != nil {
				result <- err
				return
			}
			written.Add(1)
		}
	}()
	// until a write is held back
	for n := int64(-1); n != written.Load() || n == 0; time.Sleep(200 * time.Millisecond) {
		n = written.Load()
	}
	select {
	case err := <-result:
		t.Fatalf("Put answers %v before the disk is known to be full", err)
	default:
	}
	close(fs.wait)
	<-result // store.ErrDiskFull if no write was held back after all
	if err := s.Put(
		t.Context(), []driver.Row{{Key: driver.Key{Partition: "p", Sort: "a"}}},
	); !errors.Is(err, driver.ErrDiskFull) {
		t.Errorf("Put on a full disk: %v", err)
	}
	fs.full.Store(false)
}

// lineCounter counts the writes to it.
type lineCounter struct{ n atomic.Int64 }

func (c *lineCounter) Write(b []byte) (int, error) {
	c.n.Add(1)
	return len(b), nil
}

// TestFailedLog: after a failed write or sync of the log, no call succeeds any more, and Fatal is
// called once.
func TestFailedLog(t *testing.T) {
	for name, disk := range map[string]vfs.FS{"memory": vfs.NewCrashableMem(),
		"disk": vfs.Default} {
		t.Run(name, func(t *testing.T) {
			fs := &gateFS{FS: disk}
			var calls atomic.Int64
			fatal := make(chan error, 1)
			s, err := pebblestore.Open(t.Context(),
				pebblestore.Options{Dir: t.TempDir(), FS: fs, Logger: quiet,
					Fatal: func(err error) {
						calls.Add(1)
						fatal <- err
					}})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			key := driver.Key{Partition: "p", Sort: "a"}
			if err := s.Commit(
				t.Context(), nil, driver.Row{Key: key, Version: 1, Fence: "r"},
				driver.Condition{Absent: true},
			); err != nil {
				t.Fatalf("Commit: %v", err)
			}
			broken := errors.New("input/output error")
			fs.fail(broken)
			var done sync.WaitGroup
			for i := range 8 {
				done.Go(func() {
					row := driver.Row{Key: driver.Key{Partition: fmt.Sprint("p", i), Sort: "a"},
						Version: 1}
					err := s.Commit(t.Context(), nil, row, driver.Condition{Absent: true})
					if err == nil || errors.Is(err, driver.ErrConflict) {
						t.Errorf("Commit on a broken disk: %v", err)
					}
				})
			}
			done.Wait()
			if err := <-fatal; err == nil {
				t.Error("the owner is told of no error")
			}
			if err := s.Put(t.Context(), []driver.Row{{Key: key}}); err == nil {
				t.Error("Put after the failure answers nil")
			}
			if _, err := s.Get(t.Context(), key); err == nil {
				t.Error("Get after the failure answers nil")
			}
			if err := s.Close(); err == nil {
				t.Error("Close after the failure answers nil")
			}
			if calls.Load() != 1 {
				t.Errorf("the owner was told %d times", calls.Load())
			}
		})
	}
}

// TestPowerCut: acknowledged writes survive the loss of everything that was not synced, and nothing
// that was read is undone.
func TestPowerCut(t *testing.T) {
	disk := vfs.NewCrashableMem()
	for round := range 5 {
		s, err := pebblestore.Open(t.Context(),
			pebblestore.Options{Dir: "data", FS: disk, FreeFloor: -1, MemtableBytes: 256 << 10,
				Logger: quiet})
		if err != nil {
			t.Fatalf("round %d: Open: %v", round, err)
		}
		for i := range round {
			for w := range 4 {
				checkVersions(t, s, fmt.Sprint("x#", i, "#", w))
			}
		}
		var mu sync.Mutex
		known := map[driver.Key]int64{} // the acknowledged version of each row
		stop := make(chan struct{})
		var done sync.WaitGroup
		for w := range 4 {
			done.Go(func() {
				key := driver.Key{Partition: fmt.Sprint("x#", round, "#", w), Sort: "a"}
				for v := int64(1); ; v++ {
					select {
					case <-stop:
						return
					default:
					}
					if err := commitVersion(t, s, key, v); err != nil {
						t.Errorf("Commit: %v", err)
						return
					}
					if row, err := s.Get(t.Context(), key); err != nil || row.Version != v {
						t.Errorf("Get: version %d, %v", row.Version, err)
					}
					mu.Lock()
					known[key] = v
					mu.Unlock()
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		mu.Lock()
		crashed := disk.CrashClone(vfs.CrashCloneCfg{})
		acknowledged := map[driver.Key]int64{}
		for k, v := range known {
			acknowledged[k] = v
		}
		mu.Unlock()
		close(stop)
		done.Wait()
		s.Close()

		disk = crashed
		s, err = pebblestore.Open(t.Context(),
			pebblestore.Options{Dir: "data", FS: disk, FreeFloor: -1, Logger: quiet})
		if err != nil {
			t.Fatalf("round %d: Open after the crash: %v", round, err)
		}
		for key, v := range acknowledged {
			row, err := s.Get(t.Context(), key)
			if err != nil || row.Version < v {
				t.Errorf("round %d: %q has version %d, %v; %d was acknowledged", round, key,
					row.Version, err, v)
			}
			checkVersions(t, s, key.Partition)
		}
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

// commitVersion writes version v of a row together with a history row.
func commitVersion(t testing.TB, s *pebblestore.Store, key driver.Key, v int64) error {
	row := driver.Row{Key: key, Version: v, Fence: "r", Data: make([]byte, 500), Wake: v,
		List: &driver.ListEntry{Group: "g", Sort: key.Partition}}
	history := driver.Row{Key: driver.Key{Partition: key.Partition, Sort: fmt.Sprintf("h#%06d", v)},
		Data: make([]byte, 300)}
	cond := driver.Condition{Version: v - 1, Fence: "r"}
	if v == 1 {
		cond = driver.Condition{Absent: true, Now: 1}
	}
	return s.Commit(t.Context(), []driver.Row{history}, row, cond)
}

// checkVersions checks that a partition written by commitVersion is complete.
func checkVersions(t testing.TB, s *pebblestore.Store, partition string) {
	t.Helper()
	row, err := s.Get(t.Context(), driver.Key{Partition: partition, Sort: "a"})
	if errors.Is(err, driver.ErrNotFound) {
		return
	}
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	var n int64
	for r, more := (driver.Range{Partition: partition, From: "h#", To: "h$"}), true; more; {
		var rows []driver.Row
		if rows, more, err = s.Range(t.Context(), r); err != nil {
			t.Fatalf("Range: %v", err)
		}
		n += int64(len(rows))
		if len(rows) > 0 {
			r.From = rows[len(rows)-1].Sort + "\x00"
		}
	}
	if n != row.Version {
		t.Errorf("%s: version %d with %d history rows", partition, row.Version, n)
	}
	list, _, err := s.List(t.Context(), driver.ListRange{Group: "g", From: partition,
		To: partition + "\x00"})
	if err != nil || len(list) != 1 {
		t.Errorf("%s: %d list entries, %v", partition, len(list), err)
	}
}
