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

// failure is where a write ends that went wrong on the disk. It is Pebble's logger as well, since that is where
// Pebble tells.
type failure struct {
	options Options
	first   atomic.Pointer[error]

	mu        sync.Mutex
	throttles map[string]*logThrottle // by the format of the message
}

// logThrottle is the time since a message was logged last.
type logThrottle struct {
	since    time.Time
	withheld int // how often it came since
}

// logIntervalMin is how often a message of Pebble is logged at most: what goes wrong in the background is tried again and
// again.
const logIntervalMin = time.Minute

func newFailure(o Options) *failure {
	return &failure{options: o, throttles: make(map[string]*logThrottle)}
}

// get returns the failure after which nothing is known any more, nil while all is well.
func (f *failure) get() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}

// set logs the first failure and calls Options.Fatal, which ends the process unless a test has other plans.
func (f *failure) set(err error) {
	err = fmt.Errorf("pebblestore: what is on the disk of %s is unknown, the process must end: %w", f.options.Dir, err)
	if !f.first.CompareAndSwap(nil, &err) {
		return
	}
	f.options.Logger.Error("store failed; every acknowledged write is kept, start again when the disk is well", "dir", f.options.Dir, "err", err)
	f.options.Fatal(err)
}

// damaged ends the process because a file does not hold what was written into it.
func (f *failure) damaged(path string, err error) {
	err = fmt.Errorf("pebblestore: %s is damaged; %s: %w", path, restore, err)
	if !f.first.CompareAndSwap(nil, &err) {
		return
	}
	f.options.Logger.Error("store failed: a file is damaged; "+restore, "dir", f.options.Dir, "file", path, "err", err)
	f.options.Fatal(err)
}

// openError says what to do when the database cannot be opened. A full disk or a missing right is said as it is.
func openError(o Options, err error) error {
	var path *os.PathError
	if vfs.IsNoSpaceError(err) || errors.As(err, &path) && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("pebblestore: open %s: %w", o.Dir, err)
	}
	logs := ""
	if strings.Contains(err.Error(), "WAL") {
		logs = " among the logs (*.log)"
	}
	return fmt.Errorf("pebblestore: open %s: a file%s in %s is damaged or missing; %s: %w", o.Dir, logs, databaseDir(o), restore, err)
}

// Infof implements pebble.Logger; it drops Pebble's progress reports.
func (f *failure) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *failure) Errorf(format string, args ...any) {
	withheld, ok := f.mayLog(format, time.Now())
	if !ok {
		return
	}
	about := []any{"dir", f.options.Dir}
	if withheld > 0 {
		about = append(about, "withheld", withheld)
	}
	f.options.Logger.Warn("store: "+fmt.Sprintf(format, args...), about...)
}

// mayLog tells whether messages of a format may be logged again, and how many were not since the last one. Formats are
// Pebble's own, so they are few.
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
