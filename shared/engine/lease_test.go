package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
)

// TestResumeWhateverTheLeaseWas: a call in flight has no caller any more if the embedded engine
// that made it is gone. The next engine repeats it at once, however long its own leases are.
func TestResumeWhateverTheLeaseWas(t *testing.T) {
	for _, c := range []struct{ before, after time.Duration }{
		{24 * time.Hour, 0}, {0, 24 * time.Hour}, {time.Minute, 24 * time.Hour},
		{24 * time.Hour, time.Minute},
		{240 * time.Hour, 0}, // longer than ExclusiveLeaseMax
	} {
		t.Run(fmt.Sprint(c.before, c.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				f := w.flow("f", oneTask)
				w.tasks.on("A", sleeping(time.Hour, `{}`))
				h := w.open(func(o *engine.Options) { o.LeaseMax = c.before })
				h.start(f, "one")
				time.Sleep(5 * time.Second)
				h.close()
				w.tasks.on("A", sleeping(time.Second, `{"a":2}`))
				w.open(func(o *engine.Options) { o.LeaseMax = c.after })
				time.Sleep(5 * time.Second)
				w.checkEnded(f, "one", flow.Succeeded, `{"a":2}`)
				if n := w.tasks.called("A"); n != 2 {
					t.Errorf("%d calls", n)
				}
			})
		})
	}
}

// TestResumeLeavesWhatWaits: Resume does not resume executions that wait for hours, and for no
// call.
func TestResumeLeavesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := w.flow("f",
			"- {Name: A, CALL, TaskMode: WaitForCustomCallback, Timeout: 36000, End: true}\n")
		h.start(f, "one")
		time.Sleep(20 * time.Minute) // the lease of its call was the row's wake time
		h.close()
		x := w.load(f, "one")
		if x.Wake < time.Now().Add(5*time.Hour).UnixMilli() {
			t.Fatalf("it wakes in %v", time.Until(time.UnixMilli(x.Wake)))
		}
		before := w.commitsTried(f, "one")
		w.open(nil)
		time.Sleep(time.Minute)
		if n := w.commitsTried(f, "one"); n != before {
			t.Errorf("%d commits of an execution that waits for a report for ten hours", n-before)
		}
		time.Sleep(11 * time.Hour)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
	})
}

// TestLeasesOfOthers: if processes share a store, as servers or as functions during a deployment,
// only the lease that was written decides when a call is repeated. The process's own LeaseMax makes
// it neither sooner nor later.
func TestLeasesOfOthers(t *testing.T) {
	type open func(w *harness, lease time.Duration) (h *node, stop func())
	servers := func(w *harness, lease time.Duration) (*node, func()) {
		h := w.open(func(o *engine.Options) { o.Topology, o.LeaseMax = engine.Servers, lease })
		return h, h.close
	}
	functions := func(w *harness, lease time.Duration) (*node, func()) {
		d := w.deploy(5*time.Minute, func(o *engine.Options) { o.CallTimeMax = lease })
		return d.node, func() {
			d.stop()
			d.worker.Close(canceledContext())
			d.close()
		}
	}
	for name, open := range map[string]open{"servers": servers, "functions": functions} {
		for _, c := range []struct{ before, after time.Duration }{
			{4 * time.Minute, time.Minute}, {time.Minute, 4 * time.Minute},
		} {
			t.Run(fmt.Sprint(name, c.before, c.after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newHarness(t)
					f := w.flow("f", oneTask)
					w.tasks.on("A", sleeping(50*time.Second, `{}`))
					h, stop := open(w, c.before)
					h.start(f, "one")
					time.Sleep(5 * time.Second)
					stop()
					_, stop = open(w, c.after)
					defer stop()
					time.Sleep(c.before)
					if n := w.tasks.called("A"); n != 1 {
						t.Errorf("%d calls before the end of the lease", n)
					}
					time.Sleep(90 * time.Second)
					if n := w.tasks.called("A"); n != 2 {
						t.Errorf("%d calls a sweep after the end of the lease", n)
					}
					time.Sleep(time.Minute)
					w.checkEnded(f, "one", flow.Succeeded, "")
				})
			})
		}
	}
}

// canceledContext returns a context that is canceled.
func canceledContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
