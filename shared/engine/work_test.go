package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/task"
	"millrace/shared/task/subflowtask"
)

// functions is a deployment of functions over a harness: an acceptor for requests (the API), an
// acceptor that works on hints in invocations of limited time, and a sweeper. After each invocation
// it checks that nothing goes on.
type functions struct {
	*node
	worker      *engine.Engine
	inFlight    atomic.Int32 // calls in flight
	longest     atomic.Int64 // longest invocation, ms
	invocations atomic.Int32
}

func (w *harness) deploy(timeout time.Duration, edit func(*engine.Options)) *functions {
	w.t.Helper()
	d := &functions{node: &node{w: w,
		queue: memqueue.New(memqueue.Options{Workers: 8, BackoffMin: time.Minute})}}
	flows := subflowtask.New(starter{d.node}, nil)
	flows.AnyOwner = true
	table := task.NewTable(
		map[string]task.Runner{"FNF:StartExecution": flows, "FC:InvokeFunction": task.RunnerFunc(
			func(ctx context.Context, r task.Request) task.Result {
				d.inFlight.Add(1)
				defer d.inFlight.Add(-1)
				return w.tasks.Run(ctx, r)
			})}, nil)
	o := engine.Options{Store: w.store, Queue: d.queue, Tasks: table, Compile: compile,
		Limits: flow.DefaultLimits(), Region: "local",
		Topology: engine.Functions, CallTimeMax: 2 * time.Minute,
		Log: slog.New(slog.NewTextHandler(w.t.Output(), nil))}
	if edit != nil {
		edit(&o)
	}
	d.Engine, d.worker = engine.New(o), engine.New(o)
	var ctx context.Context
	ctx, d.stop = context.WithCancel(context.Background())
	d.work.Go(func() {
		d.queue.Consume(ctx, func(ctx context.Context, partition string) error {
			return d.invoke(ctx, timeout, partition)
		})
	})
	d.work.Go(func() {
		for tick := time.NewTicker(time.Minute); ; {
			select {
			case <-tick.C:
				d.Sweep(ctx)
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	})
	w.t.Cleanup(func() {
		d.close()
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		d.worker.Close(gone)
	})
	return d
}

func (d *functions) invoke(ctx context.Context, timeout time.Duration, partition string) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := d.worker.RunUntilIdle(ctx, partition)
	d.invocations.Add(1)
	if took := time.Since(began); took > timeout {
		d.w.t.Errorf("%s took %s of %s", partition, took, timeout)
	} else {
		d.longest.Store(max(d.longest.Load(), took.Milliseconds()))
	}
	return err
}

// tasksInARow returns the states of n tasks in a row, T0, T1 …
func tasksInARow(n int) string {
	var b strings.Builder
	for i := range n {
		next := fmt.Sprintf("Next: T%d", i+1)
		if i == n-1 {
			next = "End: true"
		}
		name := fmt.Sprintf("T%d", i)
		if i == 0 {
			name = "A"
		}
		fmt.Fprintf(&b, "- {Name: %s, CALL, %s}\n", name, next)
	}
	return b.String()
}

// TestRunUntilIdle: one hint runs a flow of five tasks to its end. The claim is one commit, and so
// is each task.
func TestRunUntilIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, func(o *engine.Options) { o.StoreExpires = true })
		f := w.flow("f", tasksInARow(5))
		f.Dialect = flow.StateMachine
		x := d.start(f, "one")
		if x.LastEvent != 1 || x.Status != flow.Running || x.Wake != x.Started+120_000 {
			t.Errorf("the claim has %d events, wakes after %d ms", x.LastEvent, x.Wake-x.Started)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		x = w.load(f, "one")
		if x.Status != flow.Succeeded || x.Wake != 0 {
			t.Errorf("%v, wakes at %d", x.Status, x.Wake)
		}
		w.history(f, "one")
		if n := w.commitsTried(f, "one"); n != 7 {
			t.Errorf(
				"%d commits, want 7: the claim, one for each task and what comes before "+
					"it, the end", n)
		}
		if n := d.invocations.Load(); n != 1 {
			t.Errorf("%d pieces of work", n)
		}
	})
}

// TestWorkHandsOver: a flow that takes longer than one invocation is handed from one to the next,
// and no call is canceled.
func TestWorkHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		for i := range 10 {
			name := fmt.Sprintf("T%d", i)
			if i == 0 {
				name = "A"
			}
			w.tasks.on(name, sleeping(100*time.Second, `{"a":1}`))
		}
		f := w.flow("f", tasksInARow(10))
		d.start(f, "one")
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, "")
		if n := w.tasks.repeated(); n != 0 {
			t.Errorf("%d calls were repeated", n)
		}
		if n := d.invocations.Load(); n < 5 || n > 30 {
			t.Errorf("%d pieces of work", n)
		}
		if d.longest.Load() > 290_000 {
			t.Errorf("a piece took %d ms", d.longest.Load())
		}
	})
}

// TestMaxCallTime: a call that takes too long fails with an error that says what to do.
func TestMaxCallTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		w.tasks.on("A", sleeping(time.Hour, `{}`))
		f := w.flow("f", oneTask)
		caught := w.flow("g",
			"- {Name: A, CALL, Catch: [{Errors: [FnF.TaskTimeout], Next: B}], Next: B}\n"+
				"- {Name: B, Type: Succeed}\n")
		d.start(f, "one")
		d.start(caught, "two")
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
		w.checkEnded(caught, "two", flow.Succeeded, "")
		x := w.load(f, "one")
		if x.Error == nil || x.Error.Name != flow.ErrTaskTimeout ||
			!strings.Contains(x.Error.Cause, "2m0s") ||
			!strings.Contains(x.Error.Cause, "WaitForSystemCallback") {
			t.Errorf("error %v", x.Error)
		}
	})
}

// TestTaskTimeoutIsSooner: the task's own timeout ends a call before CallTimeMax does.
func TestTaskTimeoutIsSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		w.tasks.on("A", sleeping(time.Hour, `{}`))
		f := w.flow("f", "- {Name: A, CALL, Timeout: 20, End: true}\n")
		d.start(f, "one")
		time.Sleep(time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
		if n := w.count(f, "one", flow.TaskTimedOut); n != 1 {
			t.Errorf("%d TaskTimedOut", n)
		}
	})
}

// TestNothingGoesOn: when RunUntilIdle returns no call is in flight, whatever the execution does.
func TestNothingGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		sent := &countingQueue{}
		d := w.deploy(5*time.Minute, func(o *engine.Options) { o.Queue, o.CallsMax = sent, 16 })
		w.tasks.on("B", sleeping(7*time.Second, `{"b":1}`))
		f := w.flow("f",
			"- Name: A\n  Type: Map\n  ItemsPath: $Input.items\n  MaxConcurrency: 100\n"+
				"  Processor:\n    StartAt: B\n    States:\n    - {Name: B, CALL, End: true}\n"+
				"  End: true\n")
		s := starting(f, "one")
		s.Input = []byte(`{"items":` + items(90) + `}`)
		s.Canonical = s.Input
		d.startWith(s)
		for n := 0; ; n++ {
			if n > 20 {
				t.Fatal("no end")
			}
			if err := d.invoke(context.Background(), 5*time.Minute,
				store.Partition(f.ID, "one")); err != nil {
				t.Fatal(err)
			}
			if n := d.inFlight.Load(); n != 0 {
				t.Fatalf("%d calls in flight after the work", n)
			}
			if w.load(f, "one").Status.Final() {
				break
			}
			if sent.count() == 0 {
				t.Fatal("no hint for what is left")
			}
		}
		w.checkEnded(f, "one", flow.Succeeded, "")
		if n := w.tasks.called("B"); n != 90 {
			t.Errorf("%d calls", n)
		}
	})
}

type countingQueue struct{ n atomic.Int32 }

func (q *countingQueue) Send(_ context.Context, m ...queue.Hint) error {
	q.n.Add(int32(len(m)))
	return nil
}

func (q *countingQueue) count() int { return int(q.n.Load()) }

// TestShortFunction: if the longest call does not fit into the function's timeout, calls are
// canceled earlier. If the timeout is too short for any call, RunUntilIdle returns an error that
// says what to do.
func TestShortFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(time.Minute, nil)
		w.tasks.on("A", sleeping(20*time.Second, `{"a":1}`))
		f := w.flow("f", oneTask)
		d.start(f, "one")
		time.Sleep(time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		err := d.invoke(context.Background(), 5*time.Second, store.Partition(f.ID, "one"))
		if err == nil || !strings.Contains(err.Error(), "raise the function's timeout") {
			t.Error(err)
		}
	})
}

// TestCallsLeaveHalfOfTheTime: if the longest call takes most of the function's time, it is limited
// to half of it. Otherwise calls could begin only in the first moments.
func TestCallsLeaveHalfOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(time.Minute, func(o *engine.Options) { o.CallTimeMax = 40 * time.Second })
		w.tasks.on("A", sleeping(30*time.Second, `{"a":1}`))
		f := w.flow("f", oneTask)
		d.start(f, "one")
		time.Sleep(time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
		if x := w.load(f, "one"); x.Error == nil ||
			!strings.Contains(x.Error.Cause, "than the 25s") {
			t.Errorf(
				"error %v; the function has a minute, ten seconds of which are for the "+
					"last commits", x.Error)
		}
	})
}

// TestStoreAway: the store is unavailable when a call returns its result. The result is kept until
// it can be committed.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		w.tasks.on("A", func(context.Context, task.Request) task.Result {
			w.hooks(unavailableFor(20*time.Second), nil)
			return task.Result{Output: []byte(`{"a":1}`)}
		})
		f := w.flow("f", oneTask)
		d.start(f, "one")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		if n := w.tasks.called("A"); n != 1 {
			t.Errorf("%d calls", n)
		}
		w.hooks(func(string, driver.Key) error { return errors.New("unreachable") }, nil)
		if err := d.invoke(context.Background(), 5*time.Minute,
			store.Partition(f.ID, "one")); err == nil {
			t.Error("work without a store was acknowledged")
		}
		w.hooks(nil, nil)
		if err := d.invoke(context.Background(), 5*time.Minute,
			store.Partition(f.ID, "nobody")); err != nil {
			t.Errorf("a hint for an execution that is not there: %v", err)
		}
	})
}

// TestTwoWorkSessionsOnOne: two invocations in one process get hints for one execution.
func TestTwoWorkSessionsOnOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, func(o *engine.Options) { o.Queue = discardQueue{} })
		w.tasks.on("A", sleeping(30*time.Second, `{"a":1}`))
		f := w.flow("f", oneTask)
		d.start(f, "one")
		for range 5 {
			d.work.Go(func() {
				if err := d.invoke(context.Background(), 5*time.Minute,
					store.Partition(f.ID, "one")); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := d.invocations.Load(); n != 5 {
			t.Errorf("%d pieces have returned", n)
		}
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		if n := w.tasks.called("A"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}
