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
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

// A FlowV1 token names the entry of a step, and so also the attempt that a retry opens.

const retriedStep = "version: v1\ntype: flow\nsteps:\n- {type: task, name: A, " +
	"resourceArn: 'acs:fc:::functions/f', pattern: waitForCallback, " +
	"retry: [{errors: [Again], intervalSeconds: 1, maxAttempts: 2}]}\n"

// TestFlowV1ReportCountsOnce: a report fails an attempt, its response is lost, and before it is
// delivered again the next attempt is open. The report has closed one attempt, and closes no other.
func TestFlowV1ReportCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.define("f", flow.Standard, retriedStep)
		h := w.open(sharedStore)
		o := w.newAcceptor(h, 0)
		h.start(f, "one")
		synctest.Wait()
		lose := once(memstore.OpCommit, "a", 1)
		w.hooks(nil, func(op string, key driver.Key) error {
			err := lose(op, key)
			if err != nil {
				h.HandleHint(context.Background(), key.Partition)
				time.Sleep(3 * time.Second)
			}
			return err
		})
		failed := engine.Report{Error: &flow.Error{Name: "Again", Cause: "once"}}
		id, err := o.Report(context.Background(), account, w.tasks.token("one", "A"), failed)
		if err != nil {
			t.Fatal(err)
		}
		if e := w.history(f, "one")[id-1]; e.Type != flow.TaskFailed {
			t.Errorf("told of event %d, a %v", id, e.Type)
		}
		time.Sleep(10 * time.Second)
		failures := w.count(f, "one", flow.TaskFailed)
		attempts := w.count(f, "one", flow.TaskScheduled)
		if failures != 1 || attempts != 2 {
			t.Errorf("one report has failed %d of %d attempts", failures, attempts)
		}
		if _, err := o.Report(context.Background(), account, w.tasks.token("one", "A"),
			reportBy("me")); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		w.checkEnded(f, "one", flow.Succeeded, "")
	})
}

// TestFlowV1ReportsOfOneCommitCountOnce: the same for two reports that one commit accepted.
func TestFlowV1ReportsOfOneCommitCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		var branches []string
		for _, name := range []string{"A", "B", "C"} {
			branches = append(branches, "{steps: [{type: task, name: "+name+
				", resourceArn: 'acs:fc:::functions/f', "+
				"pattern: waitForCallback, retry: [{errors: [Again], intervalSeconds: 1, "+
				"maxAttempts: 2}]}]}")
		}
		f := w.define("f", flow.Standard,
			"version: v1\ntype: flow\nsteps:\n- {type: parallel, name: P, branches: ["+
				strings.Join(branches, ", ")+"]}\n")
		h := w.open(sharedStore)
		o := w.newAcceptor(h, 0)
		h.start(f, "one")
		synctest.Wait()
		var later, lost, apart atomic.Bool
		failures := func() int { return w.count(f, "one", flow.TaskFailed) }
		w.hooks(func(op string, key driver.Key) error {
			// The commit of A's report; the two others arrive meanwhile.
			if op == memstore.OpCommit && !later.Swap(true) {
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		}, func(op string, key driver.Key) error {
			if op != memstore.OpCommit || lost.Load() {
				return nil
			}
			switch failures() {
			case 2:
				apart.Store(true)
			case 3:
				lost.Store(true)
				h.HandleHint(context.Background(), key.Partition)
				time.Sleep(3 * time.Second)
				return errUnknownOutcome
			}
			return nil
		})
		for _, name := range []string{"A", "B", "C"} {
			go func() {
				failed := engine.Report{Error: &flow.Error{Name: "Again", Cause: "once"}}
				if _, err := o.Report(context.Background(), account, w.tasks.token("one", name),
					failed); err != nil {
					t.Error(err)
				}
			}()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(30 * time.Second)
		if attempts := w.count(f, "one", flow.TaskScheduled); failures() != 3 || attempts != 6 ||
			!lost.Load() || apart.Load() {
			t.Errorf("three reports have failed %d of %d attempts; lost %v, in one commit %v",
				failures(), attempts, lost.Load(), !apart.Load())
		}
		h.close()
	})
}

// subflow returns a step that waits for an execution of the flow child, and is retried for some
// error.
func subflow(again string) string {
	return "version: v1\ntype: flow\nsteps:\n- {type: task, name: P, " +
		"resourceArn: 'acs:fnf:::flow/child', pattern: sync, timeoutSeconds: 600, " +
		"retry: [{errors: [" + again + "], intervalSeconds: 1, maxAttempts: 1}]}\n"
}

// TestFlowV1CallbackLate: an attempt has timed out, and its child is stopped. The end of that child
// must not end the next attempt.
func TestFlowV1CallbackLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.flow("child",
			"- {Name: A, Type: Wait, Seconds: 290, Next: B}\n- {Name: B, Type: Pass, End: true}\n")
		parent := w.define("parent", flow.Standard,
			strings.Replace(subflow("FnF.TaskTimeout"), "600", "200", 1))
		h := w.open(nil)
		h.start(parent, "one")
		time.Sleep(300 * time.Second)
		if n := w.count(parent, "one", flow.TaskScheduled); n != 2 {
			t.Errorf("%d attempts", n)
		}
		if n := w.count(parent, "one", flow.TaskFailed); n != 0 {
			t.Error("the end of the first attempt's child counts for the second")
		}
		h.close()
	})
}

// TestFlowV1CallbackTwice: the process that reported the end of the first attempt's child dies
// before it commits the delivery. The end is reported again when the next attempt is open.
func TestFlowV1CallbackTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		child := w.flow("child", "- {Name: A, CALL, End: true}\n")
		parent := w.define("parent", flow.Standard, subflow("First"))
		w.tasks.on("A", func(ctx context.Context, r task.Request) task.Result {
			if w.tasks.called("A") == 1 {
				return task.Fail("First", "fails")
			}
			return sleeping(200*time.Second, `{}`)(ctx, r)
		})
		brief := func(o *engine.Options) { o.Topology, o.LeaseMax = engine.Servers, time.Minute }
		h := w.open(brief)
		dead := false
		w.hooks(func(op string, key driver.Key) error {
			if op != memstore.OpCAS || !strings.HasPrefix(key.Partition, "x#"+child.ID) {
				return nil
			}
			if x, err := w.store.Load(context.Background(), key.Partition); err == nil &&
				x.Status.Final() && !dead {
				return errUnknownOutcome
			}
			return nil
		}, nil)
		h.start(parent, "one")
		time.Sleep(1500 * time.Millisecond)
		if n := w.count(parent, "one", flow.TaskScheduled); n != 2 {
			t.Fatalf("%d attempts", n)
		}
		h.close()
		dead = true
		w.open(brief)
		time.Sleep(30 * time.Minute)
		if n := w.count(parent, "one", flow.TaskFailed); n != 1 {
			t.Errorf("%d attempts have failed, by the end of one child", n)
		}
		w.checkEnded(parent, "one", flow.Succeeded, "")
	})
}

// TestFlowV1TokenTwice: the same for an execution that a caller started with the token of its task,
// which names no attempt.
func TestFlowV1TokenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.define("f", flow.Standard, retriedStep)
		stand := w.flow("stand", "- {Name: A, Type: Fail, Code: Again, Detail: fails}\n")
		brief := func(o *engine.Options) { o.Topology, o.LeaseMax = engine.Servers, time.Minute }
		h := w.open(brief)
		h.start(f, "one")
		synctest.Wait()
		dead := false
		w.hooks(func(op string, key driver.Key) error {
			if op != memstore.OpCAS || !strings.HasPrefix(key.Partition, "x#"+stand.ID) {
				return nil
			}
			if x, err := w.store.Load(context.Background(), key.Partition); err == nil &&
				x.Status.Final() && !dead {
				return errUnknownOutcome
			}
			return nil
		}, nil)
		by := starting(stand, "by")
		by.CallbackToken = w.tasks.token("one", "A")
		h.startWith(by)
		time.Sleep(1500 * time.Millisecond)
		if n := w.count(f, "one", flow.TaskScheduled); n != 2 {
			t.Fatalf("%d attempts", n)
		}
		h.close()
		dead = true
		h = w.open(brief)
		time.Sleep(30 * time.Minute)
		if n := w.count(f, "one", flow.TaskFailed); n != 1 {
			t.Errorf("%d attempts have failed, by the end of one execution", n)
		}
		h.close()
	})
}
