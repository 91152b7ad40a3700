package localstore

import (
	"fmt"
	"sync/atomic"
)

// failure is where a write ends that went wrong on the disk. It is Pebble's logger as well, since that is where
// Pebble tells.
type failure struct {
	options Options
	first   atomic.Pointer[error]
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
	err = fmt.Errorf("localstore: what is on the disk of %s is unknown, the process must end: %w", f.options.Dir, err)
	if !f.first.CompareAndSwap(nil, &err) {
		return
	}
	f.options.Logger.Error("store failed; every acknowledged write is kept, start again when the disk is well", "dir", f.options.Dir, "err", err)
	f.options.Fatal(err)
}

// Infof implements pebble.Logger; it drops Pebble's progress reports.
func (f *failure) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *failure) Errorf(format string, args ...any) {
	f.options.Logger.Warn("store: "+fmt.Sprintf(format, args...), "dir", f.options.Dir)
}

// Fatalf implements pebble.Logger.
func (f *failure) Fatalf(format string, args ...any) { f.set(fmt.Errorf(format, args...)) }
