//go:build unix

package emulators

import (
	"os"
	"path/filepath"
	"syscall"
)

// lock keeps two test binaries from installing at the same time.
func lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "millrace-emulators.lock"),
		os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
