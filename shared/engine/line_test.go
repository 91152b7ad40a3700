package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/share"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/task"
)

// mapOf returns a Map that makes n calls.
func mapOf(n int) string {
	return "- Name: A\n  Type: Map\n  InputConstructor: {items: " + items(n) + "}\n" +
		"  ItemsPath: $Input.items\n" +
		"  Processor: {StartAt: P, States: [{Name: P, CALL, End: true}]}\n  End: true\n"
}

// gated is a task whose calls wait for a gate to open.
type gated struct {
	gate        chan struct{}
	mu          sync.Mutex
	inFlight    int
	inFlightMax int
}

func (g *gated) run(ctx context.Context, _ task.Request) task.Result {
	g.mu.Lock()
	g.inFlight++
	g.inFlightMax = max(g.inFlightMax, g.inFlight)
	g.mu.Unlock()
	select {
	case <-g.gate:
	case <-ctx.Done():
	}
	g.mu.Lock()
	g.inFlight--
	g.mu.Unlock()
	return task.Result{Output: []byte(`{}`)}
}

func callShare(
	capacity int64, whole bool, topology engine.Topology,
) func(*engine.Options) {
	return func(o *engine.Options) {
		o.Topology = topology
		o.Shares.Calls = share.New(
			share.Options{Name: "calls", Capacity: capacity, SingleAccount: whole})
	}
}

// taken returns how many calls of the executions n0, n1 … are leased.
func (w *harness) taken(f *store.Flow, executions int) (n int) {
	for i := range executions {
		n += w.count(f, fmt.Sprint("n", i), flow.TaskStarted)
	}
	return n
}

// Calls beyond the share and a short line are not leased, so they hold no memory. When the share
// has capacity again every one of them is made, without waiting for the sweeper.
func TestLineOfCallsIsBounded(t *testing.T) {
	const executions, calls = 170, 100
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprint("whole ", whole), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				g := &gated{gate: make(chan struct{})}
				w.tasks.on("P", g.run)
				h := w.open(callShare(16, whole, engine.Embedded))
				f := w.flow("f", mapOf(calls))
				for i := range executions {
					h.start(f, fmt.Sprint("n", i))
				}
				share := map[bool]int{true: 16, false: 8}[whole]
				for range 3 {
					synctest.Wait()
					if n := w.taken(f, executions); g.inFlightMax != share || n > share+32 {
						t.Fatalf(
							"%d calls are in flight, want %d, and %d were taken, want at most %d",
							g.inFlightMax, share, n, share+32)
					}
					time.Sleep(2 * time.Minute) // the sweeper finds them all due
				}
				close(g.gate)
				synctest.Wait() // no time passes
				for i := range executions {
					if x := w.load(f, fmt.Sprint("n", i)); x.Status != flow.Succeeded {
						t.Fatalf("execution %d is %v: nobody has looked at it again", i, x.Status)
					}
				}
				if n := w.tasks.called("P"); n != executions*calls || g.inFlightMax > share ||
					w.tasks.repeated() > 0 {
					t.Errorf("%d calls, want %d; %d at once", n, executions*calls, g.inFlightMax)
				}
			})
		})
	}
}

// Executions of an account take turns, and a small one does not wait for the end of large ones.
func TestLineOfCallsIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.tasks.on("P", sleeping(time.Second, `{}`))
		h := w.open(callShare(4, true, engine.Embedded))
		large := w.flow("large", mapOf(400))
		h.start(large, "n0")
		h.start(large, "n1")
		one := w.flow("one", oneTask)
		h.start(one, "one")
		time.Sleep(20 * time.Second)
		w.checkEnded(one, "one", flow.Succeeded, "")
		time.Sleep(60 * time.Second)
		a, b := w.count(large, "n0", flow.TaskStarted), w.count(large, "n1", flow.TaskStarted)
		if a+b < 4*75 || max(a, b)-min(a, b) > 2*32 {
			t.Errorf("of two equal executions one has begun %d calls and the other %d", a, b)
		}
		time.Sleep(5 * time.Minute)
		w.checkEnded(large, "n0", flow.Succeeded, "")
		w.checkEnded(large, "n1", flow.Succeeded, "")
	})
}

// Engines that share a store have a line each, and one may lease what another does not.
func TestLineOfCallsOfServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.tasks.on("P", sleeping(100*time.Millisecond, `{}`))
		f := w.flow("f", mapOf(100))
		shared := callShare(8, false, engine.Servers)
		nodes := []*node{w.open(shared), w.open(shared)}
		for i := range 20 {
			nodes[i%2].start(f, fmt.Sprint("n", i))
		}
		time.Sleep(10 * time.Minute)
		for i := range 20 {
			w.checkEnded(f, fmt.Sprint("n", i), flow.Succeeded, "")
		}
	})
}

// Executions that end while their calls are withheld leave the line to the others.
func TestHeldBackExecutionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		g := &gated{gate: make(chan struct{})}
		w.tasks.on("P", g.run)
		h := w.open(callShare(2, true, engine.Embedded))
		f := w.flow("f", mapOf(50))
		for i := range 10 {
			h.start(f, fmt.Sprint("n", i))
		}
		for i := range 9 {
			partition := w.load(f, fmt.Sprint("n", i)).Partition()
			if _, err := h.Stop(context.Background(), partition, nil); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := w.count(f, "n9", flow.TaskStarted); g.inFlight != 2 || n < 2+16 || n > 2+32 {
			t.Errorf("%d calls in flight, %d taken of the only execution", g.inFlight, n)
		}
		close(g.gate)
		synctest.Wait()
		w.checkEnded(f, "n9", flow.Succeeded, "")
	})
}

// Express executions lease their calls in the same way, together with Standard ones.
func TestLineOfCallsOfExpress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		g := &gated{gate: make(chan struct{})}
		w.tasks.on("P", g.run)
		h := w.open(callShare(4, true, engine.Embedded))
		f := w.flow("f", mapOf(100))
		const header = "Type: StateMachine\nSpecVersion: v1\nName: x\nStartAt: A\nStates:\n"
		express := w.define("x", flow.Express, header+strings.ReplaceAll(mapOf(100), "CALL",
			"Type: Task, Action: 'FC:InvokeFunction', "+
				"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}"))
		h.start(f, "n0")
		ended := make(chan flow.Status, 20)
		for range 20 {
			go func() {
				x, err := h.RunSync(context.Background(), starting(express, ""))
				if err != nil {
					t.Error(err)
					ended <- 0
					return
				}
				ended <- x.Status
			}()
		}
		synctest.Wait()
		if g.inFlight != 4 {
			t.Errorf("%d calls are in flight, want 4", g.inFlight)
		}
		left, cancel := context.WithCancel(context.Background())
		gone := make(chan error)
		go func() {
			_, err := h.RunSync(left, starting(express, ""))
			gone <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; err == nil {
			t.Error("an execution went on whose caller had left")
		}
		close(g.gate)
		synctest.Wait()
		for range 20 {
			select {
			case status := <-ended:
				if status != flow.Succeeded {
					t.Errorf("an Express execution is %v", status)
				}
			default:
				t.Fatal("an Express execution waits, and nobody wakes it")
			}
		}
		w.checkEnded(f, "n0", flow.Succeeded, "")
		if g.inFlightMax != 4 {
			t.Errorf("%d calls were in flight at once", g.inFlightMax)
		}
	})
}

// unwritableDriver is a store that one process can no longer write to.
type unwritableDriver struct {
	driver.Driver
	now atomic.Bool
}

func (u *unwritableDriver) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, cond driver.Condition,
) error {
	if u.now.Load() {
		return errUnknownOutcome
	}
	return u.Driver.Commit(ctx, puts, cas, cond)
}

// A call that waits in line keeps its lease. If the lease cannot be renewed, because the process
// cannot write to the store, another process makes the call, and the first one does not when its
// turn comes.
func TestCallInLineLosesItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		var mu sync.Mutex
		calls := map[string]int{}
		w.tasks.on("A", func(ctx context.Context, q task.Request) task.Result {
			mu.Lock()
			calls[q.Execution]++
			mu.Unlock()
			return sleeping(10*time.Minute, `{"a":1}`)(ctx, q)
		})
		f := w.flow("f", oneTask)
		cut := &unwritableDriver{Driver: w.mem}
		h := w.open(func(o *engine.Options) {
			callShare(1, true, engine.Servers)(o)
			o.LeaseMax, o.Store = time.Minute, store.New(store.Options{Driver: cut, TailBytes: 200})
		})
		h.start(f, "one")
		time.Sleep(time.Second)
		h.start(f, "two")
		time.Sleep(5 * time.Minute)
		count := func() string {
			mu.Lock()
			defer mu.Unlock()
			return fmt.Sprint(calls["one"], " ", calls["two"])
		}
		if got := count(); got != "1 0" {
			t.Errorf("%s calls before, want 1 0", got)
		}
		cut.now.Store(true)
		other := w.open(func(o *engine.Options) { o.Topology, o.LeaseMax = engine.Servers, time.Minute })
		time.Sleep(7 * time.Minute)
		if got := count(); got != "2 1" {
			t.Errorf(
				"%s calls after, want 2 1: the one that waited is made by the other process alone",
				got)
		}
		cut.now.Store(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		w.checkEnded(f, "two", flow.Succeeded, `{"a":1}`)
		h.close()
		other.close()
		if list := h.LineUsage(); len(list) > 0 {
			t.Errorf("places in line are kept: %+v", list)
		}
	})
}
