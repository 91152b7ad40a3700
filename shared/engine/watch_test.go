package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// TestAwait: a long poll ends with the execution, when its time is over, or with the server.
func TestAwait(t *testing.T) {
	for _, topology := range []engine.Topology{engine.Embedded, engine.Servers} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", oneTask)
			w.tasks.on("A", sleeping(10*time.Second, `{}`))
			h := w.open(func(o *engine.Options) { o.Topology = topology })
			h.start(f, "one")
			ctx, p := context.Background(), store.Partition(f.ID, "one")
			began := time.Now()
			for _, c := range []struct {
				wait, took time.Duration
				final      bool
			}{{0, 0, false}, {3 * time.Second, 3 * time.Second, false},
				{time.Minute, 10 * time.Second, true}, {time.Minute, 10 * time.Second, true}} {
				x, err := h.Await(ctx, p, c.wait)
				if took := time.Since(began); err != nil || x.Status.Final() != c.final ||
					took < c.took || took > c.took+2*time.Second {
					t.Errorf("waiting %v: %v, %v after %v", c.wait, x, err, took)
				}
			}
			if _, err := h.Await(ctx, store.Partition(f.ID, "none"),
				time.Minute); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("none: %v", err)
			}
			h.start(f, "two")
			go func() {
				time.Sleep(time.Second)
				h.StopAccepting()
			}()
			began = time.Now()
			if x, err := h.Await(ctx, store.Partition(f.ID, "two"), time.Minute); err != nil ||
				x.Status.Final() || time.Since(began) != time.Second {
				t.Errorf("a server that leaves: %v, %v after %v", x, err, time.Since(began))
			}
			h.close()
		})
	}
}

// TestPollIntervals: a long poll in another process than the one that runs the execution reads it
// soon at first, then once a second.
func TestPollIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(10*time.Minute, `{}`))
		shared := func(o *engine.Options) { o.Topology = engine.Servers }
		w.open(shared).start(f, "one")
		h, p := w.open(shared), store.Partition(f.ID, "one")
		time.Sleep(time.Second)
		var looks []time.Duration
		began := time.Now()
		w.hooks(func(op string, key driver.Key) error {
			if op == memstore.OpGet && key.Partition == p {
				looks = append(looks, time.Since(began)/time.Millisecond)
			}
			return nil
		}, nil)
		if x, err := h.Await(context.Background(), p, 4*time.Second); err != nil ||
			x.Status.Final() {
			t.Errorf("%v, %v", x, err)
		}
		w.hooks(nil, nil)
		if want := []time.Duration{0, 20, 60, 140, 300, 620, 1260, 2260, 3260,
			4000}; !slices.Equal(looks, want) {
			t.Errorf("looked after %d ms, want %d", looks, want)
		}
	})
}
