package engine_test

import (
	"testing"
	"testing/synctest"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/share"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// An execution holds no processor while the store works for it, nor after its end.
func TestProcessorsWaitForNoStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		processors := share.New(share.Options{Name: "processors", Capacity: 2, RoundRobin: true})
		commits := 0
		w.hooks(func(op string, key driver.Key) error {
			if u := processors.Usage(); len(u) != 0 {
				t.Errorf("during %s of %v: %+v", op, key, u)
			}
			if op == memstore.OpCommit {
				commits++
			}
			return nil
		}, nil)
		h := w.open(func(o *engine.Options) { o.Shares.Processors = processors })
		f := w.flow("f", mapOf(3))
		h.start(f, "n0")
		synctest.Wait()
		if x := w.load(f, "n0"); x.Status != flow.Succeeded || commits == 0 {
			t.Errorf("%v after %d commits", x.Status, commits)
		}
		if u := processors.Usage(); len(u) != 0 {
			t.Errorf("at the end: %+v", u)
		}
	})
}

// An execution encodes the state to be stored within its turn.
func TestTurnLastsUntilRowsAreMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		processors := share.New(share.Options{Name: "processors", Capacity: 1})
		held := 0
		random := func(string) uint64 { // called while rows of values are made
			held = max(held, len(processors.Usage()))
			return store.Random()
		}
		w.store = store.New(store.Options{Driver: w.mem, Random: random})
		h := w.open(func(o *engine.Options) { o.Shares.Processors = processors })
		f := w.flow("f", "- {Name: A, Type: Pass, End: true}\n")
		h.start(f, "n0")
		synctest.Wait()
		if x := w.load(f, "n0"); x.Status != flow.Succeeded || held != 1 {
			t.Errorf("%v; %d accounts had a processor while rows were made", x.Status, held)
		}
	})
}
