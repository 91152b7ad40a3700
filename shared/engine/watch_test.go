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

// TestAwaitEvent: a request that waits for an event gets it in the moment of its commit, in the
// process that commits, and within a second in any other; it gets nothing new when its time is
// over.
func TestAwaitEvent(t *testing.T) {
	for topology, late := range map[engine.Topology]time.Duration{
		engine.Embedded: 0, engine.Servers: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", oneTask)
			w.tasks.on("A", sleeping(10*time.Second, `{}`))
			shared := func(o *engine.Options) { o.Topology = topology }
			h := w.open(shared)
			h.start(f, "one")
			time.Sleep(time.Second)
			asked := h
			if topology == engine.Servers {
				asked = w.open(shared)
			}
			ctx, p := context.Background(), store.Partition(f.ID, "one")
			began := time.Now()
			now, err := asked.AwaitEvent(ctx, p, 1, time.Minute)
			if err != nil || time.Since(began) != 0 {
				t.Fatalf("an event that is there: %v after %v", err, time.Since(began))
			}
			next := now.LastEvent + 1
			x, err := asked.AwaitEvent(ctx, p, next, 2*time.Second)
			if took := time.Since(began); err != nil || x.LastEvent >= next || took != 2*time.Second {
				t.Errorf("nothing happens: %v, %v after %v", x, err, took)
			}
			x, err = asked.AwaitEvent(ctx, p, next, time.Minute)
			if took := time.Since(began) - 9*time.Second; err != nil || x.LastEvent < next ||
				took < 0 || took > late {
				t.Errorf("the next event: %v, %v, %v late", x, err, took)
			}
			if x, err = asked.AwaitEvent(ctx, p, 1000, time.Minute); err != nil ||
				!x.Status.Final() {
				t.Errorf("the end: %v, %v", x, err)
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
