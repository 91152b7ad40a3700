package sim_test

import (
	"testing"

	"millrace/tests/sim"
)

// TestSameSeedSameRun runs seeds twice: the same things must happen in the same order.
func TestSameSeedSameRun(t *testing.T) {
	for s := uint64(1); s <= 100; s++ {
		first := sim.Run(t, sim.Options{Seed: s})
		second := sim.Run(t, sim.Options{Seed: s})
		if first.Sum != second.Sum || first.Steps != second.Steps {
			t.Errorf("seed %d (%s): %d steps, sum %x, and then %d, %x", s, first.Topology,
				first.Steps, first.Sum, second.Steps, second.Sum)
		}
	}
}
