package engine_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

const tenSeconds = "- {Name: A, Type: Wait, Seconds: 10, Next: B}\n" +
	"- {Name: B, Type: Pass, End: true}\n"

// TestLeftBehind: an embedded engine crashes whenever it picks up one of the executions that the
// earlier engine left, long before its first sweep. Each engine counts the pickup, then its
// attempt to advance the execution, and in the end the execution fails.
func TestLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", tenSeconds)
		h := w.open(nil)
		h.start(f, "one")
		h.close()
		time.Sleep(11 * time.Second)
		for deaths := range 8 {
			dead := make(chan struct{})
			h := w.open(func(o *engine.Options) {
				o.OnTransaction = func(string, int64, bool, interp.StepInput) { <-dead }
			})
			synctest.Wait()
			// The process has crashed: it writes nothing.
			w.hooks(func(op string, k driver.Key) error {
				if op == memstore.OpCommit || op == memstore.OpCAS {
					return errUnknownOutcome
				}
				return nil
			}, nil)
			close(dead)
			h.close()
			w.hooks(nil, nil)
			x := w.load(f, "one")
			if want := deaths + 1; x.SweepAttempts != want || x.EngineAttempts != max(want-3, 0) {
				t.Fatalf("after %d deaths taken up %d times and begun %d", want, x.SweepAttempts,
					x.EngineAttempts)
			}
			time.Sleep(time.Second)
		}
		w.open(nil)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
	})
}

// TestQuarantine: an embedded engine runs the transactions of suspects one at a time, so that a
// crash is not counted for the others.
func TestQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", tenSeconds)
		h := w.open(nil)
		names := []string{"one", "two", "three"}
		for _, name := range names {
			h.start(f, name)
		}
		h.close()
		for _, name := range names {
			x := w.load(f, name)
			if err := w.store.Commit(context.Background(), x,
				&store.Change{Status: x.Status, LastEvent: x.LastEvent, LastTime: x.LastTime,
					Wake: time.Now().UnixMilli(), SweepAttempts: 3}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(11 * time.Second)
		var mu sync.Mutex
		var held []string
		hold := make(chan struct{})
		w.open(func(o *engine.Options) {
			o.OnTransaction = func(partition string, _ int64, _ bool, _ interp.StepInput) {
				mu.Lock()
				held = append(held, partition)
				mu.Unlock()
				<-hold
			}
		})
		synctest.Wait()
		attempts := 0
		for _, name := range names {
			attempts += w.load(f, name).EngineAttempts
		}
		mu.Lock()
		if len(held) != 1 || attempts != 1 {
			t.Errorf("%v run at once, %d have counted", held, attempts)
		}
		mu.Unlock()
		close(hold)
		time.Sleep(time.Second)
		for _, name := range names {
			w.checkEnded(f, name, flow.Succeeded, "")
		}
	})
}
