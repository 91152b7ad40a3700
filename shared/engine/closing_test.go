package engine_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// closeNow closes an engine and gives its calls no time.
func (h *node) closeNow() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.Close(ctx)
}

// longCall returns a harness in which execution "one" of a flow has had a call in flight for a
// second. The call takes an hour; leases are a minute long.
func longCall(t *testing.T) (*harness, *store.Flow, *node) {
	w := newHarness(t)
	f := w.flow("f", oneTask)
	w.tasks.on("A", sleeping(time.Hour, `{}`))
	h := w.open(func(o *engine.Options) { o.Topology, o.LeaseMax = engine.Servers, time.Minute })
	h.start(f, "one")
	time.Sleep(time.Second)
	return w, f, h
}

// TestLeaseIsRenewedAtHalf: the first recheck after half of the lease renews it, not the one after
// that, when the lease is nearly over.
func TestLeaseIsRenewedAtHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f, _ := longCall(t)
		before := w.commitsTried(f, "one")
		time.Sleep(30 * time.Second)
		if n := w.commitsTried(f, "one") - before; n != 1 {
			t.Errorf("%d commits at half of the lease, want 1", n)
		}
	})
}

// TestCloseWaitsForRenewals: when Close returns, no lease is being renewed.
func TestCloseWaitsForRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, h := longCall(t)
		var renewing atomic.Int32
		w.hooks(func(op string, key driver.Key) error {
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

// unreadableDriver is a store from which one process can no longer read rows.
type unreadableDriver struct {
	driver.Driver
	now  atomic.Bool
	read atomic.Int32
}

func (u *unreadableDriver) Get(ctx context.Context, key driver.Key) (driver.Row, error) {
	u.read.Add(1)
	if u.now.Load() {
		return driver.Row{}, errUnknownOutcome
	}
	return u.Driver.Get(ctx, key)
}

// TestCloseEndsRetries: when Close returns, no result that could not be committed is submitted
// again.
func TestCloseEndsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(time.Second, `{}`))
		rows := &unreadableDriver{Driver: w.mem}
		h := w.open(func(o *engine.Options) {
			o.Store = store.New(store.Options{Driver: rows, TailBytes: 200})
		})
		h.start(f, "one")
		w.hooks(func(op string, key driver.Key) error {
			if op == memstore.OpCommit {
				return errUnknownOutcome
			}
			return nil
		}, nil)
		rows.now.Store(true)
		before := rows.read.Load()
		time.Sleep(1500 * time.Millisecond)
		if rows.read.Load() == before {
			t.Fatal("nothing has failed")
		}
		h.closeNow()
		before = rows.read.Load()
		time.Sleep(10 * time.Second)
		if n := rows.read.Load() - before; n != 0 {
			t.Errorf("%d rows are read after Close", n)
		}
	})
}

// TestPermanentErrors: a result that cannot be committed because of a permanent error is submitted
// again less and less often, and counts once it can be committed.
func TestPermanentErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(time.Second, `{"a":1}`))
		h := w.open(nil)
		h.start(f, "one")
		w.hooks(func(op string, key driver.Key) error {
			if op == memstore.OpCommit && strings.HasPrefix(key.Partition, "x#") {
				return store.ErrMissing
			}
			return nil
		}, nil)
		before := w.commitsTried(f, "one")
		time.Sleep(10 * time.Minute)
		// The commits of the sweeper are among them, one a minute.
		if n := w.commitsTried(f, "one") - before; n > 30 {
			t.Errorf("%d commits in ten minutes", n)
		}
		time.Sleep(10 * time.Hour)
		w.hooks(nil, nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		if n := w.tasks.called("A"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}
