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

// memoryUnknown is the default if no source knows the size of the memory.
const memoryUnknown = 2 << 30

// Memory returns how many bytes of memory this process may use: the minimum of GOMEMLIMIT, the
// function's size (AWS_LAMBDA_FUNCTION_MEMORY_SIZE, FC_FUNCTION_MEMORY_SIZE), its control groups,
// its address space (ulimit -v) and the machine, as of the first call.
func Memory() int64 { return memoryOnce() }

var memoryOnce = sync.OnceValue(func() int64 {
	return memory(os.Getenv, os.DirFS("/"), debug.SetMemoryLimit(-1), addressSpace())
})

// LimitHeap makes the garbage collector keep the process within three quarters of memory, in bytes,
// unless GOMEMLIMIT is set. Without a limit the collector lets garbage grow to the size of the live
// heap, so what the budgets allow would take twice as much.
func LimitHeap(memory int64) {
	if Memory(); debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memory / 4 * 3)
	}
}

// Part returns memory divided by parts, but at least floor, in bytes. floor is what one request may
// hold, so that it always fits.
func Part(memory, parts, floor int64) int64 { return max(memory/parts, floor) }

func memory(getenv func(string) string, root fs.FS, goLimit, addresses int64) int64 {
	lowest := int64(math.MaxInt64)
	for _, n := range []int64{
		goLimit, addresses, cgroupLimit(root), machineMemory(root),
		megabytes(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")),
		megabytes(getenv("FC_FUNCTION_MEMORY_SIZE")),
	} {
		if n > 0 {
			lowest = min(lowest, n)
		}
	}
	if lowest == math.MaxInt64 {
		return memoryUnknown
	}
	return lowest
}

// megabytes converts the size of a cloud function to bytes; 0 if there is none.
func megabytes(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>20 {
		return 0
	}
	return n << 20
}

// cgroupLimit returns the lowest memory limit of the process's control groups; 0 if there is none.
// Limits of outer groups count too. In a container the path in /proc/self/cgroup may be the host's,
// which does not exist there; the root is then the container's own group.
func cgroupLimit(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	lowest := int64(0)
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
			if n := number(root, path.Join(mount, group, file)); n > 0 &&
				(lowest == 0 || n < lowest) {
				lowest = n
			}
			if group == "/" {
				break
			}
		}
	}
	return lowest
}

// number returns the number in a file; 0 if the file has none, for example "max".
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

// machineMemory returns the memory of the machine; 0 if it is unknown.
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
