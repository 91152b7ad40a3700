package quota_test

import (
	"testing"

	"millrace/shared/engine/quota"
)

// TestStartsUnderWayCount: no more starts are admitted than executions may run, whatever their
// results.
func TestStartsUnderWayCount(t *testing.T) {
	c := quota.New(2)
	c.CountingDone(true)
	admit := func(want bool) {
		t.Helper()
		if got := c.Admit("a"); got != want {
			t.Errorf("admitted %v, want %v", got, want)
		}
	}
	admit(true)
	admit(true)
	admit(false)
	c.CountStarted("a", "p") // the first has started one
	c.EndStart("a")
	admit(false)
	c.EndStart("a") // the second has started none
	admit(true)
	c.EndStart("a")
	c.Release("a", "p")
	admit(true)
	admit(true)
	if !c.Admit("b") {
		t.Error("another account is not admitted")
	}
}

// TestEndsOfUncounted: if counting failed, the end of an execution that was not counted makes no
// room for another.
func TestEndsOfUncounted(t *testing.T) {
	c := quota.New(2)
	c.CountExisting("a", "found")
	c.CountingDone(false)
	c.CountStarted("a", "own")
	c.Release("a", "missed")
	if c.Admit("a") {
		t.Error("a third execution is admitted beside two that run")
	}
	c.Release("a", "found")
	if !c.Admit("a") {
		t.Error("no execution is admitted beside one that runs")
	}
}

// TestNoBound: without a bound every start is admitted.
func TestNoBound(t *testing.T) {
	c := quota.New(0)
	for range 3 {
		if !c.Admit("a") {
			t.Fatal("a start is not admitted")
		}
		c.CountStarted("a", "p")
	}
}
