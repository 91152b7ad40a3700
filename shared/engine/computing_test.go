package engine_test

import (
	"context"
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

// busyStates is a list of states that only evaluate, each close to the limit of one state. They
// write fewer events than one transaction may, so that only the work limit can end it.
func busyStates(n int) string {
	var states strings.Builder
	fmt.Fprintf(&states,
		"- Name: A\n  Type: Pass\n  Next: S1\n  OutputConstructor: {list: [%sy]}\n",
		strings.Repeat("x, ", 2000))
	for i := 1; i < n; i++ {
		fmt.Fprintf(&states,
			"- Name: S%d\n  Type: Pass\n  OutputConstructor:\n    list.$: $Input.list\n", i)
		for j := range 16 {
			fmt.Fprintf(&states, "    n%d.$: length(arrayUnique($Input.list))\n", j)
		}
		if i == n-1 {
			states.WriteString("  End: true\n")
		} else {
			fmt.Fprintf(&states, "  Next: S%d\n", i+1)
		}
	}
	return states.String()
}

// A stop that arrives while an execution computes is handled before the execution continues, also
// if another process computes the execution.
func TestStopWhileComputing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := w.flow("computes", busyStates(40))
		stopped := make(chan error, 1)
		commits := 0
		w.hooks(func(op string, key driver.Key) error {
			if op != memstore.OpCommit || key.Partition != store.Partition(f.ID, "x") {
				return nil
			}
			if commits++; commits == 3 {
				go func() {
					_, err := h.Stop(context.Background(), key.Partition, nil)
					stopped <- err
				}()
				time.Sleep(time.Second) // the stop is on its way
			}
			return nil
		}, nil)
		h.start(f, "x")
		synctest.Wait()
		select {
		case err := <-stopped:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the execution was not stopped")
		}
		w.checkEnded(f, "x", flow.Stopped, "")
		if n := w.count(f, "x", flow.StateSucceeded); n > 20 {
			t.Errorf("%d states were run before the stop was seen", n)
		}
	})
}

// The caller that starts an execution does not wait until all of it has been computed.
func TestStartDoesNotWaitForTheComputing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := w.flow("computes", busyStates(40))
		hold := make(chan struct{})
		commits := 0
		w.hooks(func(op string, key driver.Key) error {
			if op == memstore.OpCommit && key.Partition == store.Partition(f.ID, "x") {
				if commits++; commits == 3 {
					<-hold
				}
			}
			return nil
		}, nil)
		started := make(chan *store.Execution, 1)
		go func() { started <- h.start(f, "x") }()
		select {
		case x := <-started:
			if x.Status != flow.Running {
				t.Error(x.Status)
			}
		case <-time.After(time.Minute):
			t.Error("the start waits")
		}
		close(hold)
		synctest.Wait()
		w.checkEnded(f, "x", flow.Succeeded, "")
	})
}

// TestStartDoesNotWaitForOthers: the caller that starts an execution gets its response after its
// own commit, even if messages of other callers have arrived during that commit.
func TestStartDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := w.flow("f", oneWait)
		hold, stopped := make(chan struct{}), make(chan error, 1)
		commits := 0
		w.hooks(func(op string, key driver.Key) error {
			if op != memstore.OpCommit || key.Partition != store.Partition(f.ID, "x") {
				return nil
			}
			if commits++; commits == 1 {
				go func() {
					_, err := h.Stop(context.Background(), key.Partition, nil)
					stopped <- err
				}()
				time.Sleep(time.Second) // the stop is in the mailbox
			} else {
				<-hold
			}
			return nil
		}, nil)
		started := make(chan *store.Execution, 1)
		go func() { started <- h.start(f, "x") }()
		select {
		case <-started:
		case <-time.After(time.Minute):
			t.Error("the start waits for the commit of the stop")
		}
		close(hold)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		w.checkEnded(f, "x", flow.Stopped, "")
	})
}

// An Express execution ends when its caller leaves, even while it computes.
func TestExpressLeftWhileComputing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		ctx, cancel := context.WithCancel(context.Background())
		var looks atomic.Int64 // the engine's goroutines read the clock
		h := w.open(func(o *engine.Options) {
			o.Now = func() time.Time {
				if looks.Add(1) == 8 {
					cancel()
				}
				return time.Now()
			}
		})
		looks.Store(0)
		f := w.flow("computes", busyStates(40))
		if x, err := h.RunSync(ctx, starting(f, "sync")); err != context.Canceled {
			t.Errorf("%v, %v after %d looks at the clock", x, err, looks.Load())
		}
	})
}

// The decisions of an execution do not depend on how much work a transaction does.
func TestMaxTransactionWorkDoesNotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("computes", busyStates(8))
		var want string
		for _, work := range []int{0, 1, 5_000} {
			h := w.open(func(o *engine.Options) { o.TransactionWorkMax = work })
			name := fmt.Sprintf("x%d", work)
			h.start(f, name)
			synctest.Wait()
			var got strings.Builder
			for _, e := range w.history(f, name) {
				fmt.Fprintln(&got, e.ID, e.Schedule, e.Type, e.Node)
			}
			if want == "" {
				want = got.String()
			}
			if got.String() != want {
				t.Errorf("with %d units of work a step:\n%s\nwant\n%s", work, got.String(), want)
			}
			h.close()
		}
	})
}
