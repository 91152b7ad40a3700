//go:build unix && !lambda.norpc

package app

import "syscall"

// filesMax is how many files the process may have open; 0 when it cannot be told.
func filesMax() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return uint64(l.Cur)
}
