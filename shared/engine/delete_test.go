package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// longPass is a flow whose executions have a history and values in rows of their own.
const longPass = "- {Name: A, Type: Pass, OutputConstructor: {t.$: $Input.t}, Next: B}\n" +
	"- {Name: B, Type: Wait, Seconds: 1, Next: C}\n" +
	"- {Name: C, Type: Wait, Seconds: 1, Next: D}\n- {Name: D, Type: Pass, End: true}\n"

// ended starts an execution of longPass and waits for its end. Its rows are more than one.
func (w *harness) ended(h *node, f *store.Flow, name, origin string) *store.Execution {
	w.t.Helper()
	input := []byte(`{"t":"` + strings.Repeat("secret ", 400) + `"}`)
	h.startWith(engine.Start{Flow: f, Name: name, Input: input, Canonical: input, Origin: origin})
	time.Sleep(10 * time.Second)
	synctest.Wait()
	if n := len(w.partition(store.Partition(f.ID, name))); n < 3 {
		w.t.Fatalf("%d rows", n)
	}
	return w.load(f, name)
}

// checkDeleted checks that nothing but the claim is left of an execution.
func (w *harness) checkDeleted(f *store.Flow, name string) {
	w.t.Helper()
	rows := w.partition(store.Partition(f.ID, name))
	if len(rows) != 1 || rows[0].Sort != "a" || rows[0].List != nil ||
		rows[0].Wake != rows[0].Expires || strings.Contains(string(rows[0].Data), "secret") {
		w.t.Errorf("left are %+v", rows)
	}
	_, err := w.store.Load(context.Background(), store.Partition(f.ID, name))
	if left := store.Deleted(err); left == nil || !left.Purged || !errors.Is(err, store.ErrNotFound) {
		w.t.Errorf("loaded: %v", err)
	}
	if page, _, err := w.store.List(context.Background(), store.ListOptions{FlowID: f.ID,
		Shards: f.ListShards, Limit: 100}); err != nil || len(page) != 0 {
		w.t.Errorf("listed: %+v, %v", page, err)
	}
}

// TestDeleteExecution: what is deleted is gone for every reader, and so are its rows. Its name
// stays taken until the retention is over, and a start that is repeated starts nothing.
func TestDeleteExecution(t *testing.T) {
	for name, edit := range map[string]func(*engine.Options){"alone": nil, "shared": sharedStore} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { deletes(t, edit) }) })
	}
}

func deletes(t *testing.T, edit func(*engine.Options)) {
	w := newHarness(t)
	h := w.open(edit)
	f, ctx := w.flow("f", longPass), context.Background()
	x := w.ended(h, f, "x", "event#1")
	if err := h.DeleteExecution(ctx, x.Partition()); err != nil {
		t.Fatal(err)
	}
	w.checkDeleted(f, "x")
	if _, err := h.Load(ctx, x.Partition()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the engine loads it: %v", err)
	}
	if err := h.DeleteExecution(ctx, x.Partition()); !errors.Is(err, engine.ErrNoExecution) {
		t.Errorf("deleted again: %v", err)
	}
	s := starting(f, "x")
	if left, created, err := h.StartExecution(ctx, s); err != nil || created || left.Deleted == 0 ||
		!left.Status.Final() {
		t.Errorf("another start: %+v, %v, %v", left, created, err)
	}
	if s.Origin = "event#1"; true {
		if left, created, err := h.StartExecution(ctx, s); err != nil || !created ||
			left.Deleted == 0 {
			t.Errorf("the start again: %+v, %v, %v", left, created, err)
		}
	}
	_, err := h.service().StartExecution(ctx, cloudflow.Caller{Account: account},
		cloudflow.StartExecutionRequest{FlowName: "f", ExecutionName: "x"})
	if fault.CodeOf(err) != fault.ExecutionAlreadyExists {
		t.Errorf("the start by a client: %v", err)
	}
	time.Sleep(time.Until(time.UnixMilli(x.Expires)) + 2*time.Minute)
	if rows := w.partition(x.Partition()); len(rows) != 0 {
		t.Errorf("after the retention: %+v", rows)
	}
	h.start(f, "x")
}

// TestDeleteRunning: what has not ended, or still has to report its end, is not deleted.
func TestDeleteRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		ctx := context.Background()
		f := w.flow("f", oneWait)
		x := h.start(f, "x")
		synctest.Wait()
		if err := h.DeleteExecution(ctx, x.Partition()); !errors.Is(err,
			engine.ErrExecutionRunning) {
			t.Errorf("running: %v", err)
		}
		if err := h.DeleteExecution(ctx, store.Partition(f.ID, "none")); !errors.Is(err,
			engine.ErrNoExecution) {
			t.Errorf("never started: %v", err)
		}
		parent := h.start(f, "parent")
		synctest.Wait()
		w.hooks(func(op string, k driver.Key) error {
			if op == memstore.OpCommit && k.Partition == parent.Partition() {
				return errUnknownOutcome
			}
			return nil
		}, nil)
		g := w.flow("g", onePass)
		s := starting(g, "child")
		s.CallbackToken = w.tasks.token("parent", "A")
		child := h.startWith(s)
		time.Sleep(time.Second)
		if err := h.DeleteExecution(ctx, child.Partition()); !errors.Is(err,
			engine.ErrEndNotReported) {
			t.Errorf("unreported: %v", err)
		}
		w.hooks(nil, nil)
		time.Sleep(2 * time.Hour)
		w.checkEnded(f, "parent", flow.Succeeded, "")
		if err := h.DeleteExecution(ctx, child.Partition()); err != nil {
			t.Errorf("reported: %v", err)
		}
		w.checkDeleted(g, "child")
		if w.load(f, "x").Status != flow.Running {
			t.Error("the running execution has ended")
		}
	})
}

// TestDeleteBegun: a deletion whose purge fails is deleted all the same. A repeat, or the sweeper,
// removes the rows that are left.
func TestDeleteBegun(t *testing.T) {
	for _, by := range []string{"repeat", "sweeper", "lost reply"} {
		t.Run(by, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				h := w.open(sharedStore)
				f, ctx := w.flow("f", longPass), context.Background()
				x := w.ended(h, f, "x", "")
				deletes, lost := 0, 0
				w.hooks(func(op string, k driver.Key) error {
					if deletes++; op == memstore.OpDelete && by != "lost reply" && deletes < 9 {
						return errUnknownOutcome
					}
					return nil
				}, func(op string, k driver.Key) error {
					if op == memstore.OpCommit && by == "lost reply" {
						if lost++; lost == 1 {
							return errUnknownOutcome
						}
					}
					return nil
				})
				if err := h.DeleteExecution(ctx, x.Partition()); err != nil {
					t.Fatal(err)
				}
				if _, err := w.store.Load(ctx, x.Partition()); store.Deleted(err) == nil {
					t.Fatalf("not deleted: %v", err)
				}
				w.hooks(nil, nil)
				switch by {
				case "repeat":
					if err := h.DeleteExecution(ctx, x.Partition()); err != nil {
						t.Errorf("the repeat: %v", err)
					}
				case "sweeper":
					time.Sleep(3 * time.Minute)
				}
				w.checkDeleted(f, "x")
			})
		})
	}
}

// TestDeleteReading: a reader that has loaded an execution before it is deleted gets all that it
// asks for, or ExecutionNotExists.
func TestDeleteReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(sharedStore)
		f, ctx := w.flow("f", longPass), context.Background()
		c := cloudflow.Caller{Account: account}
		reads := map[string]func() error{
			"history": func() error {
				_, err := h.service().GetExecutionHistory(ctx, c,
					cloudflow.GetExecutionHistoryRequest{FlowName: "f", ExecutionName: "history"})
				return err
			},
			"describe": func() error {
				_, err := h.service().DescribeExecution(ctx, c,
					cloudflow.DescribeExecutionRequest{FlowName: "f", ExecutionName: "describe"})
				return err
			},
			"list": func() error {
				page, err := h.service().ListExecutions(ctx, c,
					cloudflow.ListExecutionsRequest{FlowName: "f", ExecutionNamePrefix: "list"})
				if err == nil && len(page.Executions) != 0 {
					t.Errorf("the list has %+v", page.Executions)
				}
				return err
			},
		}
		for name, read := range reads {
			x := w.ended(h, f, name, "")
			deleted := false
			w.hooks(func(op string, k driver.Key) error {
				if op == memstore.OpRange && k.Partition == x.Partition() && !deleted {
					deleted = true
					return h.DeleteExecution(ctx, x.Partition())
				}
				return nil
			}, nil)
			err := read()
			w.hooks(nil, nil)
			if want := name != "list"; !deleted || want != (fault.CodeOf(err) ==
				fault.ExecutionNotExists) || !want && err != nil {
				t.Errorf("%s, deleted %v: %v", name, deleted, err)
			}
		}
	})
}
