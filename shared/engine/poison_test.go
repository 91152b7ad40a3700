package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// foundDue makes an execution "one" that has been found due so often while its runners were away,
// and is due now.
func (w *harness) foundDue(tries int) (*store.Flow, *store.Execution) {
	w.t.Helper()
	f := w.flow("f", "- {Name: A, Type: Wait, Seconds: 10, Next: B}\n- {Name: B, Type: Pass, End: true}\n")
	h := w.open(sharedStore)
	h.start(f, "one")
	h.close()
	x := w.load(f, "one")
	if err := w.store.Commit(context.Background(), x, &store.Change{Status: x.Status, LastEvent: x.LastEvent,
		LastTime: x.LastTime, Wake: time.Now().UnixMilli(), SweepAttempts: tries}); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	return f, x
}

// TestLostCommitsAreNoPoison: an execution has been found due again and again while its runners were away. The first one
// that is back loses commits, which is not what brings runners down: it counts as one that has begun.
func TestLostCommitsAreNoPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f, x := w.foundDue(3)
		failed := 0
		w.hooks(func(op string, k store.Key) error {
			if op != memstore.OpCAS || k.Partition != x.Partition() {
				return nil
			}
			if begun := w.load(f, "one").RunnerAttempts; begun > failed {
				failed = begun
				return errUnknownOutcome // of the commit that follows a count
			}
			return nil
		}, nil)
		w.open(func(o *engine.Options) { o.Exclusive = false })
		time.Sleep(3 * time.Hour)
		w.checkEnded(f, "one", flow.Succeeded, "")
		if failed != 1 {
			t.Errorf("one runner counts %d times", failed)
		}
	})
}

// TestCountThatWasLostIsMadeAgain: the commit that counts a runner as one that has begun loses its race. The runner has
// not counted then, and does so before it folds.
func TestCountThatWasLostIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f, x := w.foundDue(3)
		writes, begun := 0, 0
		w.hooks(func(op string, k store.Key) error {
			if op != memstore.OpCAS || k.Partition != x.Partition() {
				return nil
			}
			if writes++; writes == 1 {
				return store.ErrConflict
			}
			begun = max(begun, w.load(f, "one").RunnerAttempts)
			return nil
		}, nil)
		w.open(func(o *engine.Options) { o.Exclusive = false })
		time.Sleep(3 * time.Hour)
		w.checkEnded(f, "one", flow.Succeeded, "")
		if writes < 2 || begun != 1 {
			t.Errorf("%d writes, after which %d runners had begun", writes, begun)
		}
	})
}
