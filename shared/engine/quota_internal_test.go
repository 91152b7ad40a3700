package engine

import "testing"

// TestStartsUnderWayCount: no more starts are admitted than executions may run, whatever their
// results.
func TestStartsUnderWayCount(t *testing.T) {
	c := newQuota()
	c.countingDone(true)
	admit := func(want bool) {
		t.Helper()
		if got := c.admit("a", 2); got != want {
			t.Errorf("admitted %v, want %v", got, want)
		}
	}
	admit(true)
	admit(true)
	admit(false)
	c.countStarted("a", "p") // the first has started one
	c.endStart("a")
	admit(false)
	c.endStart("a") // the second has started none
	admit(true)
	c.endStart("a")
	c.release("a", "p")
	admit(true)
	admit(true)
	if !c.admit("b", 2) {
		t.Error("another account is not admitted")
	}
}

// TestEndsOfUncounted: if counting failed, the end of an execution that was not counted makes no
// room for another.
func TestEndsOfUncounted(t *testing.T) {
	c := newQuota()
	c.countExisting("a", "found")
	c.countingDone(false)
	c.countStarted("a", "own")
	c.release("a", "missed")
	if c.admit("a", 2) {
		t.Error("a third execution is admitted beside two that run")
	}
	c.release("a", "found")
	if !c.admit("a", 2) {
		t.Error("no execution is admitted beside one that runs")
	}
}
