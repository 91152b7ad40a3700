package local

import (
	"testing"

	"millrace/shared/config"
	"millrace/shared/flow"
)

// TestCallsWithinMemory: memory and files bound the calls in flight, unless the configuration sets
// their number.
func TestCallsWithinMemory(t *testing.T) {
	for _, c := range []struct {
		megabytes, set int64
		files          uint64
		want           int64
	}{{4096, 0, 1 << 20, 4096}, {4096, 0, 1024, 256}, {64, 0, 1 << 20, 64}, {1, 0, 1 << 20, 16},
		{64, 1000, 1 << 20, 1000}, {1 << 20, 0, 0, config.ConnectionsMax}} {
		s := &config.Settings{MemoryMegabytes: c.megabytes, Shares: config.Shares{Calls: c.set}}
		files := c.files
		if files == 0 {
			files = 1 << 30
		}
		if got := newPools(s, flow.DefaultLimits(), true, files).calls.Capacity; got != c.want {
			t.Errorf("%d MB, %d files, set to %d: %d calls, want %d", c.megabytes, files, c.set,
				got, c.want)
		}
	}
}
