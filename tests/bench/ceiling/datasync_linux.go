package ceiling

import (
	"os"
	"syscall"
)

// Datasync syncs the data of a file, and only the metadata that is needed to read it.
func Datasync(file *os.File) error {
	for {
		if err := syscall.Fdatasync(int(file.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
