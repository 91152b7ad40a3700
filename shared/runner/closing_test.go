package runner_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/runner"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// closeNow closes a runner that gives its calls no time.
func (h *home) closeNow() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.Close(ctx)
}

// TestLeaseIsRenewedAtHalf: the first look at a call in flight that comes to half of its lease renews
// it, not the one after, when the lease is nearly over.
func TestLeaseIsRenewedAtHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(time.Hour, `{}`))
		h := w.open(func(o *runner.Options) { o.Exclusive, o.LeaseMax = false, time.Minute })
		h.start(f, "one")
		time.Sleep(time.Second)
		before := w.committed(f, "one")
		time.Sleep(30 * time.Second)
		if n := w.committed(f, "one") - before; n != 1 {
			t.Errorf("%d commits at half of the lease, want 1", n)
		}
	})
}

// TestCloseWaitsForRenewals: when Close returns, no lease is being renewed.
func TestCloseWaitsForRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(time.Hour, `{}`))
		h := w.open(func(o *runner.Options) { o.Exclusive, o.LeaseMax = false, time.Minute })
		h.start(f, "one")
		time.Sleep(time.Second)
		var renewing atomic.Int32
		w.hooks(func(op string, key store.Key) error {
			if op == memstore.OpCommit && strings.HasPrefix(key.Partition, "x#") {
				renewing.Add(1)
				time.Sleep(10 * time.Second)
				renewing.Add(-1)
			}
			return nil
		}, nil)
		time.Sleep(30 * time.Second)
		if n := renewing.Load(); n != 1 {
			t.Fatalf("%d commits at half of the lease", n)
		}
		h.closeNow()
		if n := renewing.Load(); n != 0 {
			t.Errorf("%d commits are under way when Close returns", n)
		}
	})
}
