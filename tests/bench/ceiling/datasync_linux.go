package ceiling

import (
	"os"
	"syscall"
)

// Datasync syncs a file's data, and of its metadata what is needed to read it.
func Datasync(file *os.File) error {
	for {
		if err := syscall.Fdatasync(int(file.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
