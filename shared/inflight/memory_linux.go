package inflight

import (
	"math"
	"syscall"
)

// addressSpace is how much address space the process may have (ulimit -v), 0 when it may have any.
func addressSpace() int64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &l) != nil || l.Cur > math.MaxInt64 {
		return 0
	}
	return int64(l.Cur)
}
