package sim_test

import (
	"testing"

	"millrace/tests/sim"
)

// TestShrink shrinks runs that fail because of deliberate bugs. The result must fail in the same
// way, must not be longer, and must be reproducible.
func TestShrink(t *testing.T) {
	shorter := 0
	for _, b := range bugs[2:8] {
		o := sim.Options{Seed: b.seed, Bug: &b.Bug, Topology: b.home}
		whole := sim.Run(t, o)
		if whole.Failure == "" {
			continue // TestBugs finds another seed
		}
		less, short := sim.Shrink(t, o, whole)
		if again := sim.Run(t, less); again.Failure != short.Failure || again.Sum != short.Sum ||
			short.Failure == "" {
			t.Errorf("%s: %q, and then %q", b.Name, short.Failure, again.Failure)
		}
		if short.Steps > whole.Steps {
			t.Errorf("%s: %d steps have become %d", b.Name, whole.Steps, short.Steps)
		}
		if short.Steps < whole.Steps {
			shorter++
		}
		t.Logf("%s: %d steps, %d now, %d executions, without %q", b.Name, whole.Steps, short.Steps,
			less.Executions, less.Without)
	}
	if shorter == 0 {
		t.Error("no run has become shorter")
	}
}
