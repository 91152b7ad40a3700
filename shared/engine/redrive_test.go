package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/task"
)

// failing makes the calls of a state fail until fixed is called.
func (w *harness) failing(state string) (fixed func()) {
	var mu sync.Mutex
	failure := task.Fail("Broken", "because")
	w.tasks.on(state, func(context.Context, task.Request) task.Result {
		mu.Lock()
		defer mu.Unlock()
		return failure
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		failure = task.Result{Output: []byte(`{"fixed":true}`)}
	}
}

const failsSecond = `- {Name: A, CALL, Next: B}
- {Name: B, CALL, End: true}
`

// redrivable starts an execution whose state B fails, and has it ended.
func (w *harness) redrivable(h *node, f *store.Flow, name string) (fixed func()) {
	w.t.Helper()
	fixed = w.failing("B")
	h.start(f, name)
	time.Sleep(time.Second)
	w.checkEnded(f, name, flow.Failed, "")
	return fixed
}

// TestRedriveRace: of any number of racing redrives one begins the life, and all get it. What has
// succeeded is not called again.
func TestRedriveRace(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", failsSecond)
			var opened []*node
			for range nodes {
				opened = append(opened, w.open(func(o *engine.Options) {
					if nodes > 1 {
						o.Topology = engine.Servers
					}
				}))
			}
			fixed := w.redrivable(opened[0], f, "one")
			fixed()
			w.tasks.on("B", sleeping(time.Minute, `{"fixed":true}`))
			var callers sync.WaitGroup
			for i := range 32 {
				callers.Go(func() {
					count := engine.AnyRedrive
					if i%2 == 0 {
						count = 0
					}
					x, err := opened[i%nodes].Redrive(context.Background(),
						store.Partition(f.ID, "one"), count)
					if err != nil || x.Status != flow.Running || x.Redrive != 1 {
						t.Errorf("%+v, %v", x, err)
					}
				})
			}
			callers.Wait()
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			w.checkEnded(f, "one", flow.Succeeded, `{"fixed":true}`)
			if n := w.count(f, "one", flow.ExecutionRedriven); n != 1 ||
				w.tasks.called("A") != 1 || w.tasks.called("B") != 2 {
				t.Errorf("%d redrives, %d and %d calls", n, w.tasks.called("A"),
					w.tasks.called("B"))
			}
		})
	}
}

// TestRedriveLost: a redrive whose commit has an unknown outcome, applied or not, is made once.
func TestRedriveLost(t *testing.T) {
	for _, applied := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", failsSecond)
			h := w.open(func(o *engine.Options) { o.Limits.Executions = 1 })
			w.redrivable(h, f, "one")()
			if fail := once("Commit", "a", 1); applied {
				w.hooks(nil, fail)
			} else {
				w.hooks(fail, nil)
			}
			if _, err := h.Redrive(context.Background(), store.Partition(f.ID, "one"), 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			w.checkEnded(f, "one", flow.Succeeded, `{"fixed":true}`)
			if n := w.count(f, "one", flow.ExecutionRedriven); n != 1 {
				t.Errorf("%d redrives", n)
			}
			h.start(f, "two") // the place of the other is free again
		})
	}
}

// TestRedriveQuota: an execution that was redriven is one of those that an account may run.
func TestRedriveQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", failsSecond)
		h := w.open(func(o *engine.Options) { o.Limits.Executions = 1 })
		h.CountingDone(true)
		w.redrivable(h, f, "one")
		w.tasks.on("B", sleeping(time.Minute, `{}`))
		ctx, one := context.Background(), store.Partition(f.ID, "one")
		h.start(f, "two")
		if _, err := h.Redrive(ctx, one, 0); !errors.Is(err, engine.ErrExecutionsLimit) {
			t.Errorf("beside another: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := h.Redrive(ctx, one, 0); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.StartExecution(ctx, starting(f, "three")); !errors.Is(err,
			engine.ErrExecutionsLimit) {
			t.Errorf("a start beside it: %v", err)
		}
		time.Sleep(2 * time.Minute)
		h.start(f, "three")
	})
}

// TestNotRedrivable: what cannot be redriven, and why.
func TestNotRedrivable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", failsSecond)
		h := w.open(func(o *engine.Options) { o.RedriveWindow = time.Hour })
		fixed := w.redrivable(h, f, "one")
		ctx, one := context.Background(), store.Partition(f.ID, "one")
		refused := func(partition string, count int, reason string) {
			t.Helper()
			_, err := h.Redrive(ctx, partition, count)
			var not *engine.NotRedrivableError
			if !errors.As(err, &not) || !strings.Contains(not.Reason, reason) {
				t.Errorf("%v, want %s", err, reason)
			}
		}
		refused(one, 1, "redriven 0 times, not 1")
		fixed()
		h.start(f, "two")
		time.Sleep(time.Second)
		refused(store.Partition(f.ID, "two"), engine.AnyRedrive, "succeeded")
		if _, err := h.Redrive(ctx, store.Partition(f.ID, "none"), 0); !errors.Is(err,
			store.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if err := w.store.DeleteDefinitions(ctx, f.ID); err != nil {
			t.Fatal(err)
		}
		refused(one, 0, "definition")
		time.Sleep(2 * time.Hour)
		refused(one, 0, "ago")
	})
}

// TestRedriveKeepsRows: before another life begins, the definition that no flow names any more, the
// history and the values get an expiry that suits it. The sweeper removes none of them while it
// runs.
func TestRedriveKeepsRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const retention, long = 40 * 24 * time.Hour, 30 * 24 * time.Hour
		w := newHarness(t)
		text := strings.ReplaceAll("Type: StateMachine\nSpecVersion: v1\nName: f\nTimeout: 2592000\n"+
			"StartAt: A\nStates:\n"+failsSecond, "CALL", callFunction)
		f := w.define("f", flow.Standard, text)
		w.tasks.on("A", func(context.Context, task.Request) task.Result {
			return task.Result{Output: []byte(`{"made":"` + strings.Repeat(sixteen, 200) + `"}`)}
		})
		h := w.open(func(o *engine.Options) {
			o.Retention, o.RedriveWindow = retention, 40*24*time.Hour
			o.Limits.ExecutionSeconds = int64(long / time.Second)
		})
		w.redrivable(h, f, "one")
		ctx := context.Background()
		err := w.store.UpdateFlow(ctx, f, text+"# newer\n", time.Now().Add(time.Hour).UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(39 * 24 * time.Hour)
		w.tasks.on("B", sleeping(29*24*time.Hour, `{"late":true}`))
		if _, err := h.Redrive(ctx, store.Partition(f.ID, "one"), 0); err != nil {
			t.Fatal(err)
		}
		x := w.load(f, "one")
		if deadline := time.Now().Add(long); x.Deadline < deadline.Add(-time.Minute).UnixMilli() ||
			x.Expires != x.Deadline+retention.Milliseconds() {
			t.Errorf("deadline %v, expires %v", time.UnixMilli(x.Deadline), time.UnixMilli(x.Expires))
		}
		for _, row := range w.partition(x.Partition()) {
			if row.Expires < x.Expires || row.Sort != "a" && row.Wake != 0 {
				t.Errorf("%s expires at %v, wakes at %d", row.Sort, time.UnixMilli(row.Expires),
					row.Wake)
			}
		}
		h.close() // a process that does not know the definition goes on
		w.open(func(o *engine.Options) { o.Retention = retention })
		time.Sleep(60 * 24 * time.Hour)
		if n := len(w.history(f, "one")); n != int(w.load(f, "one").LastEvent) || n < 15 {
			t.Errorf("%d events are left", n)
		}
	})
}

// TestRedriveStops: a stop of an earlier life, in the inbox or in the outbox of a parent, does not
// stop a later one.
func TestRedriveStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", failsSecond)
		h := w.open(sharedStore)
		w.redrivable(h, f, "one")()
		w.tasks.on("B", sleeping(10*time.Minute, `{}`))
		x := w.load(f, "one")
		stop := &store.InboxEntry{Partition: x.Partition(), Run: x.Run, Mark: 7, Expires: x.Expires,
			Wake: time.Now().Add(time.Minute).UnixMilli(), Error: &flow.Error{Name: "Old"}}
		if err := w.store.EnqueueInboxEntry(context.Background(), stop); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Redrive(context.Background(), x.Partition(), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if x = w.load(f, "one"); x.Status != flow.Running {
			t.Errorf("%v by %v", x.Status, x.Error)
		}
		if in, err := w.store.Inbox(context.Background(), x); err != nil ||
			len(in.Entries)+len(in.Stale) > 0 {
			t.Errorf("%+v is left, %v", in, err)
		}
		stop = &store.InboxEntry{Partition: x.Partition(), Run: x.Run, Mark: 8, Expires: x.Expires,
			Wake: time.Now().UnixMilli(), Error: &flow.Error{Name: "New"}, Redrive: 1}
		if err := w.store.EnqueueInboxEntry(context.Background(), stop); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if x = w.load(f, "one"); x.Status != flow.Stopped || x.Error.Name != "New" {
			t.Errorf("%v by %v", x.Status, x.Error)
		}
	})
}

// TestRedriveChild: a parent that is redriven starts another sub flow. A sub flow that is redriven
// by itself reports its new end to a task that still waits, and is left alone by the stop of a
// parent that had given it up before.
func TestRedriveChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		child := w.flow("child", oneTask)
		f := w.flow("parent", strings.Replace(parent, "%s", "", 1))
		h := w.open(nil)
		ctx := context.Background()
		fixed := w.failing("A")
		h.start(f, "one")
		time.Sleep(time.Minute)
		w.checkEnded(f, "one", flow.Failed, "")
		fixed()
		if _, err := h.Redrive(ctx, store.Partition(f.ID, "one"), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.checkEnded(f, "one", flow.Succeeded, `{"fixed":true}`)
		all, _, err := w.store.List(ctx, store.ListOptions{FlowID: child.ID,
			Shards: child.ListShards, Limit: 9})
		if err != nil || len(all) != 2 {
			t.Fatalf("%d sub flows, %v", len(all), err)
		}
		first := all[1].Partition
		if _, err := h.Redrive(ctx, first, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		x, err := w.store.Load(ctx, first)
		if err != nil || x.Status != flow.Succeeded || len(x.Body) > 0 {
			t.Errorf("%v, %v; a report is due: %d bytes", x.Status, err, len(x.Body))
		}
	})
}
