package inflight

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"syscall"
)

// addressSpace is how much address space the process may have (ulimit -v) beside what it took to begin with, 0 when it may
// have any: Go reserves more than a gigabyte that it never uses.
func addressSpace() int64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &l) != nil || l.Cur > math.MaxInt64 {
		return 0
	}
	return freeAddresses(int64(l.Cur), os.DirFS("/"))
}

// freeAddresses is a limit without the address space that is taken and not in memory; at least an eighth of it, so that
// there always is a limit.
func freeAddresses(limit int64, root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/self/statm")
	if err != nil {
		return limit
	}
	var pages, resident int64
	if _, err := fmt.Sscan(string(text), &pages, &resident); err != nil {
		return limit
	}
	return max(limit-(pages-resident)*int64(os.Getpagesize()), limit/8)
}
