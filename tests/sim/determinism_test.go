package sim_test

import (
	"runtime"
	"testing"

	"millrace/tests/sim"
)

// TestSameSeedSameRun runs seeds twice, with one and with several threads: everything that happens is the same, in the
// same order.
func TestSameSeedSameRun(t *testing.T) {
	for s := uint64(1); s <= 60; s++ {
		first := sim.Run(t, sim.Options{Seed: s})
		before := runtime.GOMAXPROCS(4)
		second := sim.Run(t, sim.Options{Seed: s})
		runtime.GOMAXPROCS(before)
		if first.Sum != second.Sum || first.Steps != second.Steps {
			t.Errorf("seed %d (%s): %d steps, sum %x, and then %d, %x", s, first.Home, first.Steps, first.Sum, second.Steps, second.Sum)
		}
	}
}
