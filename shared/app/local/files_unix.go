//go:build unix

package local

import "syscall"

// filesMax returns how many files the process may have open; 0: unknown.
func filesMax() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return uint64(l.Cur)
}
