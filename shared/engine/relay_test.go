package engine_test

import (
	"context"
	"errors"
	"fmt"
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

// parent starts an execution and waits for its end; %s is replaced by the rest of the parameters.
const parent = `- Name: A
  Type: Task
  Action: FNF:StartExecution
  TaskMode: WaitForSystemCallback
  Parameters: {resourceArn: 'acs:fnf:::flow/child'%s}
  End: true
`

// TestCallbacks: the end of an execution, of every kind, is reported once to the token that it was
// started with, even if responses to commits are lost.
func TestCallbacks(t *testing.T) {
	child := `- Name: A
  Type: Choice
  Branches:
  - {Condition: '$Input.n == 1', Next: Good}
  - {Condition: '$Input.n == 2', Next: Bad}
  Default: Ask
- {Name: Good, Type: Pass, End: true}
- {Name: Bad, Type: Fail, Code: Spoilt, Detail: milk}
- {Name: Ask, CALL, TaskMode: WaitForCustomCallback, End: true}
`
	faults := map[string]func(w *harness){
		"no fault": func(*harness) {},
	}
	for n := 1; n <= 8; n++ {
		faults[fmt.Sprintf("answer %d lost", n)] = func(w *harness) {
			w.hooks(nil, once(memstore.OpCommit, "a", n))
		}
		faults[fmt.Sprintf("commit %d fails", n)] = func(w *harness) {
			w.hooks(once(memstore.OpCAS, "a", n), nil)
		}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				c := w.define("child", flow.Standard, strings.Replace(
					"Type: StateMachine\nSpecVersion: v1\nName: child\nTimeout: 100\n"+
						"StartAt: A\nStates:\n"+child, "CALL", callFunction, 1))
				f := w.flow("parent",
					fmt.Sprintf(parent, ", executionName.$: $Input.name, input.$: $Input"))
				h := w.open(nil)
				fault(w)
				for i, k := range []string{"good", "bad", "stopped", "late"} {
					in := fmt.Appendf(nil, `{"n":%d,"name":%q}`, i+1, k)
					h.startWith(engine.Start{Flow: f, Name: k, Input: in, Canonical: in})
				}
				time.Sleep(10 * time.Second)
				if _, err := h.Stop(context.Background(), store.Partition(c.ID, "stopped"),
					&flow.Error{Name: "Enough", Cause: "of it"}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				w.checkEnded(f, "good", flow.Succeeded, `{"n":1,"name":"good"}`)
				for k, want := range map[string]flow.Error{"bad": {Name: "Spoilt", Cause: "milk"},
					"stopped": {Name: "Enough", Cause: "of it"},
					"late":    {Name: flow.ErrExecutionTimedOut}} {
					w.checkEnded(f, k, flow.Failed, "")
					if got := w.load(f, k).Error; got == nil || got.Name != want.Name ||
						want.Cause != "" && got.Cause != want.Cause {
						t.Errorf("%s: told of %v, want %v", k, got, want)
					}
				}
				for k, status := range map[string]flow.Status{"good": flow.Succeeded,
					"bad": flow.Failed, "stopped": flow.Stopped, "late": flow.TimedOut} {
					w.checkEnded(c, k, status, "")
					for _, typ := range []flow.EventType{flow.TaskSubmitted, flow.TaskScheduled} {
						if n := w.count(f, k, typ); n != 1 {
							t.Errorf("%s: %d times %v", k, n, typ)
						}
					}
					n := w.count(f, k, flow.TaskSucceeded) + w.count(f, k, flow.TaskFailed)
					if n != 1 {
						t.Errorf("%s: %d results", k, n)
					}
				}
				h.close()
			})
		})
	}
}

// TestChildOutlivesItsStarter: the parent's process dies right after it started a child with a
// given name. The repeated call is the same start, even if the child has ended meanwhile
// (docs/protocol.md#children-and-callbacks).
func TestChildOutlivesItsStarter(t *testing.T) {
	for _, mode := range []string{"WaitForSystemCallback", "RequestComplete"} {
		for _, topology := range []engine.Topology{engine.Embedded, engine.Servers} {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				c := w.flow("child", onePass)
				f := w.flow("parent",
					strings.Replace(fmt.Sprintf(parent, ", executionName: N, input: {k: 1}"),
						"WaitForSystemCallback", mode, 1))
				h := w.open(func(o *engine.Options) {
					o.Topology = topology
					o.Queue = discardQueue{}
				})
				// After the child's claim, this process commits nothing of the parent any more.
				partition := store.Partition(f.ID, "one")
				var dead atomic.Bool
				w.hooks(func(op string, k driver.Key) error {
					if op == memstore.OpCommit && k.Partition == partition && dead.Load() {
						return context.Canceled
					}
					return nil
				}, func(op string, k driver.Key) error {
					if op == memstore.OpCommit && k.Partition == store.Partition(c.ID, "N") {
						dead.Store(true)
					}
					return nil
				})
				h.start(f, "one")
				time.Sleep(time.Second)
				h.close()
				w.hooks(nil, nil)
				if x := w.load(c, "N"); !x.Status.Final() || w.load(f, "one").Status.Final() {
					t.Fatal("the parent knows already")
				}
				h = w.open(func(o *engine.Options) { o.Topology = topology })
				time.Sleep(time.Hour)
				synctest.Wait()
				w.checkEnded(f, "one", flow.Succeeded, "")
				w.checkEnded(c, "N", flow.Succeeded, `{"k":1}`)
				if other := w.load(c, "N"); other.LastEvent != 5 {
					t.Errorf("the child has %d events", other.LastEvent)
				}
				h.close()
			})
		}
	}
}

// TestFailedStartLeavesNoChild: the call that started the child died with its process, and the
// repeated call fails. No task waits for the child any more, so it is stopped (simulation, seed
// 1765).
func TestFailedStartLeavesNoChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		c := w.flow("child", oneWait)
		f := w.flow("parent", fmt.Sprintf(parent, ", executionName: N"))
		child := store.Partition(c.ID, "N")
		var there atomic.Bool
		w.hooks(func(op string, k driver.Key) error {
			if there.Load() {
				return errUnknownOutcome // of everything
			}
			return nil
		}, func(op string, k driver.Key) error {
			if op == memstore.OpCommit && k.Partition == child {
				there.Store(true)
			}
			return nil
		})
		h := w.open(func(o *engine.Options) { o.Topology, o.Queue = engine.Servers, discardQueue{} })
		h.start(f, "one")
		time.Sleep(time.Second)
		h.close()
		if !there.Load() {
			t.Fatal("the child was not started")
		}
		w.hooks(func(op string, k driver.Key) error {
			if k.Partition == child && !w.load(f, "one").Status.Final() {
				return errUnknownOutcome
			}
			return nil
		}, nil)
		h = w.open(func(o *engine.Options) { o.Topology = engine.Servers })
		time.Sleep(time.Hour)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
		if got := w.load(f, "one").Error; got == nil || got.Name != "FNF.InternalServerError" {
			t.Errorf("%v", got)
		}
		w.checkEnded(c, "N", flow.Stopped, "")
		h.close()
	})
}

// TestNameTakenBySomebodyElse: a child's name that another execution has is an error of the task,
// whether that execution runs or has ended. It is left alone when the parent ends.
func TestNameTakenBySomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		c := w.flow("child", oneWait)
		f := w.flow("parent", fmt.Sprintf(parent, ", executionName: N"))
		h := w.open(nil)
		h.start(c, "N")
		h.start(f, "one")
		time.Sleep(time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
		if got := w.load(f, "one").Error; got == nil || got.Name != "FNF.ExecutionAlreadyExists" {
			t.Errorf("%v", got)
		}
		if w.load(c, "N").Status != flow.Running {
			t.Error("the other's execution was stopped")
		}
		h.close()
	})
}

// TestStopReachesChildren: stopping an execution, or aborting a branch, stops the children that a
// task waits for, also grandchildren and a child that is being started at that moment, even if
// responses to commits are lost.
func TestStopReachesChildren(t *testing.T) {
	for n := range 12 {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			c := w.flow("child", oneWait)
			middle := fmt.Sprintf(parent, ", executionName.$: $Context.Execution.Name")
			m := w.flow("middle", strings.ReplaceAll(middle, "FnF", "FNF"))
			top := strings.ReplaceAll(`- Name: A
  Type: Parallel
  Branches:
  - StartAt: P
    States:
    - {Name: P, SUB/middle', executionName: p}, End: true}
  - StartAt: Q
    States:
    - {Name: Q, SUB/middle', executionName: q}, End: true}
  - StartAt: R
    States:
    - {Name: R, SUB/child'}, End: true}
  End: true
`, "SUB", "Type: Task, Action: 'FNF:StartExecution', TaskMode: WaitForSystemCallback, "+
				"Parameters: {resourceArn: 'acs:fnf:::flow")
			f := w.flow("top", top)
			h := w.open(nil)
			h.start(f, "one")
			time.Sleep(time.Second)
			switch {
			case n == 0:
			case n%2 == 0:
				w.hooks(nil, once(memstore.OpCommit, "a", n/2))
			default:
				w.hooks(once(memstore.OpCAS, "a", n/2+1), nil)
			}
			if _, err := h.Stop(context.Background(), store.Partition(f.ID, "one"),
				&flow.Error{Name: "E"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			w.checkEnded(f, "one", flow.Stopped, "")
			for _, name := range []string{"p", "q"} {
				w.checkEnded(m, name, flow.Stopped, "")
				w.checkEnded(c, name, flow.Stopped, "")
			}
			all, _, err := w.store.List(context.Background(),
				store.ListOptions{FlowID: c.ID, Shards: c.ListShards, Limit: 100})
			if err != nil || len(all) != 3 {
				t.Errorf("%d children, %v", len(all), err)
			}
			for _, s := range all {
				if s.Status != flow.Stopped {
					t.Errorf("%s is %v", s.Name, s.Status)
				}
			}
			h.close()
		})
	}
}

// TestStopWhileChildStarts: the child is created after its parent has been stopped.
func TestStopWhileChildStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		c := w.flow("child", oneWait)
		f := w.flow("parent", fmt.Sprintf(parent, ", executionName: N"))
		h := w.open(nil)
		child := store.Partition(c.ID, "N")
		w.hooks(func(op string, k driver.Key) error {
			if op == memstore.OpCommit && k.Partition == child {
				time.Sleep(1500 * time.Millisecond)
			}
			return nil
		}, nil)
		h.start(f, "one")
		time.Sleep(time.Second)
		if _, err := h.Stop(context.Background(), store.Partition(f.ID, "one"),
			&flow.Error{Name: "E"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Stopped, "")
		w.checkEnded(c, "N", flow.Stopped, "")
		h.close()
	})
}

// TestDeleteFlow: running executions of a deleted flow are stopped, also one whose name was claimed
// after the flow was read. Executions that wait for them get a report.
func TestDeleteFlow(t *testing.T) {
	for _, buried := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			c := w.flow("child", oneWait)
			f := w.flow("parent", fmt.Sprintf(parent, ", executionName: N"))
			h := w.open(nil)
			h.start(f, "one")
			for i := range 250 {
				h.start(c, fmt.Sprintf("e%d", i))
			}
			ctx := context.Background()
			got, err := w.store.GetFlow(ctx, account, "child")
			if err == nil {
				err = w.store.DeleteFlow(ctx, got)
			}
			if err != nil {
				t.Fatal(err)
			}
			if buried {
				h.PurgeDeletedFlow(c.ID)
			}
			h.start(c, "straggler") // its caller read the flow before
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			for i := range 250 {
				w.checkEnded(c, fmt.Sprintf("e%d", i), flow.Stopped, "")
			}
			w.checkEnded(c, "straggler", flow.Stopped, "")
			w.checkEnded(f, "one", flow.Failed, "")
			if _, err := w.store.Tombstone(ctx,
				store.TombstoneKey(c.ID)); err != store.ErrNotFound {
				t.Errorf("the tombstone is still there: %v", err)
			}
			h.close()
		})
	}
}

// TestDeletionUndone: a deletion that lost its race leaves a tombstone, which has no effect.
func TestDeletionUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait)
		h := w.open(nil)
		h.start(f, "one")
		if err := w.store.PutTombstone(context.Background(), f.ID,
			store.Tombstone{Account: account, Name: "f"}, time.Now().UnixMilli()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if w.load(f, "one").Status != flow.Running {
			t.Error("the execution was stopped")
		}
		if _, err := w.store.Tombstone(context.Background(),
			store.TombstoneKey(f.ID)); err != store.ErrNotFound {
			t.Errorf("the tombstone is still there: %v", err)
		}
		h.close()
	})
}

// TestDeletionUndoneLater: while the flow cannot be read, nobody knows whether its deletion failed.
// Its executions go on, and its definition stays.
func TestDeletionUndoneLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait)
		h := w.open(nil)
		h.start(f, "one")
		if err := w.store.PutTombstone(context.Background(), f.ID,
			store.Tombstone{Account: account, Name: "f", ListShards: f.ListShards},
			time.Now().UnixMilli()); err != nil {
			t.Fatal(err)
		}
		var failed atomic.Int32
		w.hooks(func(op string, key driver.Key) error {
			if op == memstore.OpGet && strings.HasPrefix(key.Partition, "f#") {
				failed.Add(1)
				return errors.New("the store is away")
			}
			return nil
		}, nil)
		w.store = store.New(store.Options{Driver: w.mem}) // one that has not read the flow yet
		h.close()
		h = w.open(nil)
		time.Sleep(time.Hour)
		if failed.Load() == 0 || w.load(f, "one").Status != flow.Running {
			t.Errorf("the execution was stopped after %d failed reads", failed.Load())
		}
		w.hooks(nil, nil)
		time.Sleep(time.Hour)
		if _, err := w.store.Tombstone(context.Background(),
			store.TombstoneKey(f.ID)); err != store.ErrNotFound {
			t.Errorf("the tombstone is still there: %v", err)
		}
		if _, err := w.store.Definition(context.Background(), f.ID, f.Hash); err != nil {
			t.Errorf("the definition: %v", err)
		}
		h.close()
	})
}
