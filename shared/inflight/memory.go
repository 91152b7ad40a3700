package inflight

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

// memoryUnknown is assumed where nothing says how much memory there is.
const memoryUnknown = 2 << 30

// Memory returns how many bytes of memory this process may use: the least of what GOMEMLIMIT, the
// function's size (AWS_LAMBDA_FUNCTION_MEMORY_SIZE, FC_FUNCTION_MEMORY_SIZE), its control groups,
// its address space (ulimit -v) and the machine said when it was first asked.
func Memory() int64 { return memoryOnce() }

var memoryOnce = sync.OnceValue(func() int64 {
	return memory(os.Getenv, os.DirFS("/"), debug.SetMemoryLimit(-1), addressSpace())
})

// LimitHeap has the garbage collector keep the process within three quarters of so many bytes of
// memory, unless GOMEMLIMIT says what to keep it within. Without a limit the collector lets
// garbage grow as large as what lives: what the budgets allow would take twice as much.
func LimitHeap(memory int64) {
	if Memory(); debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memory / 4 * 3)
	}
}

// Part returns memory divided by parts, but at least floor, in bytes: so that what one request may
// hold always fits.
func Part(memory, parts, floor int64) int64 { return max(memory/parts, floor) }

func memory(getenv func(string) string, root fs.FS, goLimit, addresses int64) int64 {
	least := int64(math.MaxInt64)
	for _, n := range []int64{
		goLimit, addresses, cgroupLimit(root), machineMemory(root),
		megabytes(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")), megabytes(getenv("FC_FUNCTION_MEMORY_SIZE")),
	} {
		if n > 0 {
			least = min(least, n)
		}
	}
	if least == math.MaxInt64 {
		return memoryUnknown
	}
	return least
}

// megabytes reads a size of a cloud's function in bytes, 0 when there is none.
func megabytes(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>20 {
		return 0
	}
	return n << 20
}

// cgroupLimit is the lowest memory limit of the process's control groups, 0 without one. A limit of
// an outer group binds too. Inside a container the path in /proc/self/cgroup may be the host's,
// which is not there: then the root is the container's own group.
func cgroupLimit(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max" // version 2
		if part[0] != "0" || part[1] != "" {
			if !strings.Contains(","+part[1]+",", ",memory,") {
				continue
			}
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for group := path.Join("/", part[2]); ; group = path.Dir(group) {
			if n := number(root, path.Join(mount, group, file)); n > 0 && (least == 0 || n < least) {
				least = n
			}
			if group == "/" {
				break
			}
		}
	}
	return least
}

// number reads a file that holds one number, 0 when it does not, as "max" does.
func number(root fs.FS, name string) int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// machineMemory is the memory of the machine, 0 when it cannot be told.
func machineMemory(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
