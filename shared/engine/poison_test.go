package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// foundDue creates an execution "one" that the sweeper has found due tries times while no engine
// ran, and that is due now.
func (w *harness) foundDue(tries int) (*store.Flow, *store.Execution) {
	w.t.Helper()
	f := w.flow("f",
		"- {Name: A, Type: Wait, Seconds: 10, Next: B}\n- {Name: B, Type: Pass, End: true}\n")
	h := w.open(sharedStore)
	h.start(f, "one")
	h.close()
	x := w.load(f, "one")
	if err := w.store.Commit(context.Background(), x,
		&store.Change{Status: x.Status, LastEvent: x.LastEvent,
			LastTime: x.LastTime, Wake: time.Now().UnixMilli(), SweepAttempts: tries}); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	return f, x
}

// TestLostCommitsAreNoPoison: an execution was found due again and again while no engine ran. The
// first engine that runs again loses commits. That does not show that the execution is poison, so
// the engine counts as one attempt.
func TestLostCommitsAreNoPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f, x := w.foundDue(3)
		failed := 0
		w.hooks(func(op string, k driver.Key) error {
			if op != memstore.OpCAS || k.Partition != x.Partition() {
				return nil
			}
			if attempts := w.load(f, "one").EngineAttempts; attempts > failed {
				failed = attempts
				return errUnknownOutcome // of the commit that follows a count
			}
			return nil
		}, nil)
		w.open(func(o *engine.Options) { o.Topology = engine.Servers })
		time.Sleep(3 * time.Hour)
		w.checkEnded(f, "one", flow.Succeeded, "")
		if failed != 1 {
			t.Errorf("the one engine counts as %d attempts", failed)
		}
	})
}

// TestCountThatWasLostIsMadeAgain: the commit that counts an engine's attempt ends in a conflict.
// The attempt is not counted then, and the engine counts it before the step.
func TestCountThatWasLostIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f, x := w.foundDue(3)
		writes, attempts := 0, 0
		w.hooks(func(op string, k driver.Key) error {
			if op != memstore.OpCAS || k.Partition != x.Partition() {
				return nil
			}
			if writes++; writes == 1 {
				return store.ErrConflict
			}
			attempts = max(attempts, w.load(f, "one").EngineAttempts)
			return nil
		}, nil)
		w.open(func(o *engine.Options) { o.Topology = engine.Servers })
		time.Sleep(3 * time.Hour)
		w.checkEnded(f, "one", flow.Succeeded, "")
		if writes < 2 || attempts != 1 {
			t.Errorf("after %d writes %d engines are counted", writes, attempts)
		}
	})
}
