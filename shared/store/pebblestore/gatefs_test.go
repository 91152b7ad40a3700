package pebblestore_test

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// gateFS is a file system on which a test can hold back syncs of log files, or let them fail.
type gateFS struct {
	vfs.FS
	gate sync.RWMutex // held for writing: syncs wait
	err  atomic.Pointer[error]
	free atomic.Uint64 // free bytes that it reports; 0: those of the disk

	full   atomic.Bool   // creating a table fails: the disk is full
	wait   chan struct{} // creating a table fails only after this is closed; nil: at once
	tables atomic.Int64  // tables that could not be created
}

// hold holds back syncs until release is called.
func (f *gateFS) hold() (release func()) {
	f.gate.Lock()
	return f.gate.Unlock
}

// fail lets writes and syncs of log files fail from now on.
func (f *gateFS) fail(err error) { f.err.Store(&err) }

func (f *gateFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if f.full.Load() && strings.HasSuffix(name, ".sst") {
		f.tables.Add(1)
		if f.wait != nil {
			<-f.wait
		}
		return nil, &os.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	file, err := f.FS.Create(name, category)
	return f.wrap(name, file), err
}

func (f *gateFS) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, category)
	return f.wrap(to, file), err
}

func (f *gateFS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	usage, err := f.FS.GetDiskUsage(path)
	if free := f.free.Load(); free != 0 {
		usage.AvailBytes, err = free, nil
	}
	return usage, err
}

func (f *gateFS) Unwrap() vfs.FS { return f.FS }

func (f *gateFS) wrap(name string, file vfs.File) vfs.File {
	if file == nil || !strings.HasSuffix(name, ".log") {
		return file
	}
	return &gateFile{File: file, fs: f}
}

type gateFile struct {
	vfs.File
	fs *gateFS
}

func (f *gateFile) pass() error {
	f.fs.gate.RLock()
	defer f.fs.gate.RUnlock()
	if err := f.fs.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *gateFile) Write(b []byte) (int, error) {
	if err := f.fs.err.Load(); err != nil {
		return 0, *err
	}
	return f.File.Write(b)
}

func (f *gateFile) Sync() error {
	if err := f.pass(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *gateFile) SyncData() error {
	if err := f.pass(); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (f *gateFile) SyncTo(length int64) (bool, error) {
	if err := f.pass(); err != nil {
		return false, err
	}
	return f.File.SyncTo(length)
}
