package inflight

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"syscall"
)

// addressSpace returns how much address space the process may use (ulimit -v), in bytes, less what
// it reserved at start: Go reserves more than a gigabyte that it never uses. It returns 0 if there
// is no limit.
func addressSpace() int64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &l) != nil || l.Cur > math.MaxInt64 {
		return 0
	}
	return freeAddresses(int64(l.Cur), os.DirFS("/"))
}

// freeAddresses returns limit less the address space that is reserved but not resident; at least an
// eighth of limit, so that there always is a limit.
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
