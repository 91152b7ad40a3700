package inflight

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestMemory(t *testing.T) {
	files := func(list ...string) fstest.MapFS {
		m := fstest.MapFS{}
		for i := 0; i < len(list); i += 2 {
			m[list[i]] = &fstest.MapFile{Data: []byte(list[i+1])}
		}
		return m
	}
	const meminfo = "MemTotal:        1048576 kB\nMemFree:          524288 kB\n" // 1 GiB
	for name, c := range map[string]struct {
		env       map[string]string
		root      fstest.MapFS
		goLimit   int64
		addresses int64
		want      int64
	}{
		"nothing is known": {want: memoryUnknown},
		"the machine":      {root: files("proc/meminfo", meminfo), want: 1 << 30},
		"GOMEMLIMIT": {
			root:    files("proc/meminfo", meminfo),
			goLimit: 300 << 20,
			want:    300 << 20,
		},
		"ulimit": {
			root:      files("proc/meminfo", meminfo),
			addresses: 400 << 20,
			want:      400 << 20,
		},
		"Lambda": {
			root: files("proc/meminfo", meminfo),
			env:  map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"},
			want: 256 << 20,
		},
		"Function Compute": {
			env:  map[string]string{"FC_FUNCTION_MEMORY_SIZE": "512"},
			want: 512 << 20,
		},
		"a size that is none": {
			env:  map[string]string{"FC_FUNCTION_MEMORY_SIZE": "9223372036854775807"},
			want: memoryUnknown,
		},
		"version 2, own group": {root: files("proc/self/cgroup", "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max", "1000\n",
			"sys/fs/cgroup/a/memory.max", "max\n"), want: 1000},
		"version 2, outer group": {root: files("proc/self/cgroup", "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max", "max\n",
			"sys/fs/cgroup/a/memory.max", "900\n"), want: 900},
		"version 2, in a container": {root: files("proc/self/cgroup", "0::/\n",
			"sys/fs/cgroup/memory.max", "800\n"), want: 800},
		"version 1": {root: files("proc/self/cgroup", "5:cpu,memory:/x\n4:pids:/x\n0::/\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes", "700\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"), want: 700},
		"version 1, the host's path": {root: files("proc/self/cgroup", "5:memory:/docker/x\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "600\n"), want: 600},
	} {
		if c.goLimit == 0 {
			c.goLimit = math.MaxInt64 // the runtime's value without a limit
		}
		if c.root == nil {
			c.root = fstest.MapFS{}
		}
		if got := memory(func(n string) string { return c.env[n] }, c.root, c.goLimit,
			c.addresses); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if Memory() <= 0 {
		t.Error("this process may use no memory")
	}
}

func TestPart(t *testing.T) {
	if Part(800, 8, 10) != 100 || Part(40, 8, 10) != 10 {
		t.Error("a part is not an eighth, and at least its floor")
	}
}

func TestLimitHeap(t *testing.T) {
	was := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(was) })
	memory := Memory()
	LimitHeap(4 << 30)
	if got := debug.SetMemoryLimit(-1); got != 3<<30 {
		t.Errorf("the limit of 4 GiB is %d", got)
	}
	LimitHeap(1 << 30)
	if got := debug.SetMemoryLimit(-1); got != 3<<30 {
		t.Errorf("a limit that is set is replaced by %d", got)
	}
	if Memory() != memory {
		t.Error("the limit counts as memory")
	}
}
