package pebblestore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failure holds the first failed write of the disk. It is also Pebble's logger, because Pebble
// reports some failures only there.
type failure struct {
	options Options
	first   atomic.Pointer[error]

	mu        sync.Mutex
	throttles map[string]*logThrottle // by the format of the message
}

// logThrottle limits how often a message is logged.
type logThrottle struct {
	since    time.Time
	withheld int // times that the message came since then
}

// logIntervalMin is the shortest time between two log lines of the same message: Pebble retries
// what fails in the background again and again.
const logIntervalMin = time.Minute

func newFailure(o Options) *failure {
	return &failure{options: o, throttles: make(map[string]*logThrottle)}
}

// get returns the failure after which the content of the disk is unknown; nil if there was none.
func (f *failure) get() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}

// set logs the first failure and calls Options.Fatal, which ends the process unless a test replaces
// it.
func (f *failure) set(err error) {
	err = fmt.Errorf("pebblestore: what is on the disk of %s is unknown, the process must end: %w",
		f.options.Dir, err)
	if !f.first.CompareAndSwap(nil, &err) {
		return
	}
	f.options.Logger.Error(
		"store failed; every acknowledged write is kept, start again when the disk is well", "dir",
		f.options.Dir, "err", err)
	f.options.Fatal(err)
}

// damaged logs that a file does not hold what was written into it, and calls Options.Fatal.
func (f *failure) damaged(path string, err error) {
	err = fmt.Errorf("pebblestore: %s is damaged; %s: %w", path, restore, err)
	if !f.first.CompareAndSwap(nil, &err) {
		return
	}
	f.options.Logger.Error("store failed: a file is damaged; "+restore, "dir", f.options.Dir,
		"file", path, "err", err)
	f.options.Fatal(err)
}

// openError adds what to do if the database cannot be opened. It does not add advice to a full disk
// or a missing right.
func openError(o Options, err error) error {
	var path *os.PathError
	if vfs.IsNoSpaceError(err) || errors.As(err, &path) && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("pebblestore: open %s: %w", o.Dir, err)
	}
	logs := ""
	if strings.Contains(err.Error(), "WAL") {
		logs = " among the logs (*.log)"
	}
	return fmt.Errorf("pebblestore: open %s: a file%s in %s is damaged or missing; %s: %w", o.Dir,
		logs, databaseDir(o), restore, err)
}

// Infof implements pebble.Logger. It drops Pebble's progress reports.
func (f *failure) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *failure) Errorf(format string, args ...any) {
	withheld, ok := f.mayLog(format, time.Now())
	if !ok {
		return
	}
	attrs := []any{"dir", f.options.Dir}
	if withheld > 0 {
		attrs = append(attrs, "withheld", withheld)
	}
	f.options.Logger.Warn("store: "+fmt.Sprintf(format, args...), attrs...)
}

// mayLog reports whether a message of a format may be logged again, and how many were withheld
// since the last one. The formats are Pebble's own, so there are few.
func (f *failure) mayLog(format string, now time.Time) (withheld int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.throttles[format]
	if s == nil {
		s = &logThrottle{}
		f.throttles[format] = s
	} else if d := now.Sub(s.since); d >= 0 && d < logIntervalMin {
		s.withheld++
		return 0, false
	}
	withheld, s.withheld, s.since = s.withheld, 0, now
	return withheld, true
}

// Fatalf implements pebble.Logger.
func (f *failure) Fatalf(format string, args ...any) { f.set(fmt.Errorf(format, args...)) }
