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
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

func sharedStore(o *engine.Options) { o.Topology = engine.Servers }

// TestStartRace: of any number of racing callers, on one engine or on several, exactly one starts
// the execution.
func TestStartRace(t *testing.T) {
	for _, nodes := range []int{1, 2, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", oneTask)
			w.tasks.on("A", sleeping(time.Second, `{"a":1}`))
			var opened []*node
			for range nodes {
				opened = append(opened, w.open(func(o *engine.Options) {
					if o.Topology = engine.Servers; nodes == 1 {
						o.Topology = engine.Embedded
					}
				}))
			}
			var mu sync.Mutex
			var callers sync.WaitGroup
			runs, created := map[uint64]int{}, 0
			for i := range 64 {
				callers.Go(func() {
					x, ours, err := opened[i%nodes].StartExecution(context.Background(),
						starting(f, "one"))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					runs[x.Run]++
					if ours {
						created++
					}
				})
			}
			callers.Wait()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if len(runs) != 1 || created != 1 || w.tasks.called("A") != 1 {
				t.Errorf("%d homes: %d runs, %d have started it, %d calls", nodes, len(runs),
					created, w.tasks.called("A"))
			}
			w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
			x, ours, err := opened[0].StartExecution(context.Background(), starting(f, "one"))
			if err != nil || ours || x.Status != flow.Succeeded {
				t.Errorf("start of an ended one: %v %v %v", x.Status, ours, err)
			}
			for _, h := range opened {
				h.close()
			}
		})
	}
}

// TestClaimAnswerLost: the claim is applied and its response lost. The caller learns that it
// started the execution, even if the execution ended in the same commit.
func TestClaimAnswerLost(t *testing.T) {
	for name, c := range map[string]struct {
		states  string
		applied bool
	}{
		"applied": {oneTask, true}, "not applied": {oneTask, false},
		"applied and ended": {onePass, true}, "not applied, would have ended": {onePass, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				f := w.flow("f", c.states)
				h := w.open(nil)
				if c.applied {
					w.hooks(nil, once(memstore.OpCommit, "a", 1))
				} else {
					w.hooks(once(memstore.OpCAS, "a", 1), nil)
				}
				h.start(f, "one")
				time.Sleep(10 * time.Second)
				synctest.Wait()
				w.checkEnded(f, "one", flow.Succeeded, "")
				if n := w.tasks.called("A"); n > 1 {
					t.Errorf("%d calls", n)
				}
				h.close()
			})
		})
	}
}

// TestClaimStolen: the claim is applied, its response is lost, and another engine ends the
// execution before the caller reads it. The caller still learns that it started the execution.
func TestClaimStolen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait)
		h, other := w.open(sharedStore), w.open(sharedStore)
		lose := once(memstore.OpCommit, "a", 1)
		w.hooks(nil, func(op string, key driver.Key) error {
			err := lose(op, key)
			if err != nil {
				if _, serr := other.Stop(context.Background(), key.Partition,
					&flow.Error{Name: "E"}); serr != nil {
					t.Error(serr)
				}
			}
			return err
		})
		h.start(f, "one")
		w.hooks(nil, nil)
		w.checkEnded(f, "one", flow.Stopped, "")
		h.close()
		other.close()
	})
}

// TestSameOriginIsSameStart: a start with the same origin is the same start, even if the execution
// has ended.
func TestSameOriginIsSameStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", onePass)
		h := w.open(nil)
		s := starting(f, "one")
		s.Origin = "request#1"
		first := h.startWith(s)
		again := h.startWith(s)
		if first.Run != again.Run || !again.Status.Final() {
			t.Errorf("runs %d and %d, %v", first.Run, again.Run, again.Status)
		}
		s.Origin = "request#2"
		if _, created, err := h.StartExecution(context.Background(), s); created || err != nil {
			t.Errorf("another origin: created %v, %v", created, err)
		}
		h.close()
	})
}

// TestStartOfRunningWithNewDefinition: a start that finds a running namesake must not run that one
// with the definition that the flow has now.
func TestStartOfRunningWithNewDefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait+"- {Name: B, Type: Fail, Code: Never}\n")
		h := w.open(nil)
		h.start(f, "one")
		synctest.Wait()
		h.close()
		got, err := w.store.GetFlow(context.Background(), account, "f")
		if err != nil {
			t.Fatal(err)
		}
		changed := "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: Z\nStates:\n" +
			"- {Name: Z, Type: Pass, Next: Y}\n- {Name: Y, Type: Fail, Code: Newer}\n"
		if err := w.store.UpdateFlow(context.Background(), got, changed, 0); err != nil {
			t.Fatal(err)
		}
		// No hint loads the execution before the start does.
		h = w.open(func(o *engine.Options) { o.Queue = discardQueue{} })
		if _, created, err := h.StartExecution(context.Background(),
			starting(got, "one")); created || err != nil {
			t.Fatalf("created %v, %v", created, err)
		}
		if _, err := h.Report(context.Background(), account, w.tasks.token("one", "A"),
			engine.Report{Output: []byte(`{"ok":1}`)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"ok":1}`)
		h.start(got, "two")
		synctest.Wait()
		w.checkEnded(got, "two", flow.Failed, "")
		h.close()
	})
}

// TestExecutionLimit: beyond the limit of running executions a start is throttled. Ended executions
// make room, and those that an earlier process left count once.
func TestExecutionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait)
		limited := func(o *engine.Options) { o.Limits.Executions = 3 }
		h := w.open(limited)
		ctx := context.Background()
		for _, name := range []string{"a", "b", "c"} {
			h.start(f, name)
		}
		if _, _, err := h.StartExecution(ctx,
			starting(f, "d")); !errors.Is(err, engine.ErrExecutionsLimit) {
			t.Errorf("one too many: %v", err)
		}
		stop := func(name string) {
			if _, err := h.Stop(ctx, store.Partition(f.ID, name), nil); err != nil {
				t.Error(err)
			}
		}
		stop("a")
		h.start(f, "d")
		synctest.Wait()
		h.close()

		h = w.open(func(o *engine.Options) { limited(o) })
		stop("b") // before it is counted or after
		h.start(f, "e")
		if err := h.CountRunning(ctx, f); err != nil {
			t.Fatal(err)
		}
		h.CountingDone(true)
		if _, _, err := h.StartExecution(ctx,
			starting(f, "g")); !errors.Is(err, engine.ErrExecutionsLimit) {
			t.Errorf("c, d and e run: %v", err)
		}
		stop("e")
		h.start(f, "g")
		h.close()
	})
}

// TestExpiredNameIsFree: once an execution has expired its name can be claimed again, and the
// sweeper deletes its rows and no others.
func TestExpiredNameIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		big := `{"a":"0123456789`
		for len(big) < 4000 {
			big += "0123456789"
		}
		w.tasks.on("A", func(context.Context, task.Request) task.Result {
			return task.Result{Output: []byte(big + `"}`)}
		})
		h := w.open(func(o *engine.Options) { o.Retention = time.Hour })
		first := h.start(f, "one")
		time.Sleep(30 * time.Minute)
		w.checkEnded(f, "one", flow.Succeeded, big+`"}`)
		time.Sleep(31 * time.Minute)
		second := h.start(f, "one")
		if first.Run == second.Run {
			t.Error("the expired run was answered")
		}
		time.Sleep(10 * time.Minute)
		w.checkEnded(f, "one", flow.Succeeded, big+`"}`)
		time.Sleep(2 * time.Hour)
		rows, _, err := w.mem.Range(context.Background(),
			driver.Range{Partition: store.Partition(f.ID, "one")})
		if err != nil || len(rows) > 0 {
			t.Errorf("%d rows are left, %v", len(rows), err)
		}
		h.close()
	})
}

// TestClaimWhileForgotten: a name is claimed again while the sweeper deletes the rows of its
// expired run. The rows of the new run stay.
func TestClaimWhileForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		big := `{"a":"` + strings.Repeat("0123456789", 400) + `"}`
		w.tasks.on("A", func(context.Context, task.Request) task.Result {
			return task.Result{Output: []byte(big)}
		})
		h := w.open(func(o *engine.Options) { o.Retention = time.Hour })
		h.start(f, "one")
		again := sync.OnceFunc(func() {
			h.start(f, "one")
			time.Sleep(time.Second)
		})
		w.hooks(func(op string, k driver.Key) error {
			if op == memstore.OpRange && k.Sort == "a\x00" {
				again()
			}
			return nil
		}, nil)
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		w.hooks(nil, nil)
		w.checkEnded(f, "one", flow.Succeeded, big)
		h.close()
	})
}

// A stored execution of an Express flow has the time limit of Express executions, not of Standard
// ones.
func TestStoredExpressLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := w.define("express", flow.Express,
			"Type: StateMachine\nSpecVersion: v1\nName: express\nStartAt: A\nStates:\n"+
				"- {Name: A, Type: Wait, Seconds: 20, End: true}\n")
		x, _, err := h.StartExecution(context.Background(), starting(f, "x"))
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Deadline - x.Started; got != 300_000 {
			t.Errorf("it may run for %d ms", got)
		}
		h.close()
	})
}
