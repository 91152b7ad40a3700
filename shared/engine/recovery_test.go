package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

// TestReopen: a process dies with calls in flight. The next one repeats them with the same keys,
// and everything else goes on where it was.
func TestReopen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", branches)
		g := w.flow("g",
			"- {Name: A, Type: Wait, Seconds: 200, Next: B}\n- {Name: B, Type: Pass, End: true}\n")
		w.tasks.on("Pay", sleeping(time.Minute, `{"paid":true}`))
		h := w.open(nil)
		h.start(f, "one")
		h.start(g, "one")
		time.Sleep(30 * time.Second)
		h.close()
		if n := w.tasks.called("Pay"); n != 1 {
			t.Errorf("%d calls", n)
		}
		h = w.open(nil)
		time.Sleep(2 * time.Minute)
		if _, err := h.Report(context.Background(), account, w.tasks.token("one", "Ask"),
			engine.Report{Output: []byte(`{}`)}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"Branch0":{"paid":true},"Branch1":{}}`)
		if n, again := w.tasks.called("Pay"), w.tasks.repeated(); n != 2 || again != 1 {
			t.Errorf("%d calls, %d keys repeated", n, again)
		}
		if w.load(g, "one").Status != flow.Running {
			t.Error("the wait is over already")
		}
		time.Sleep(51 * time.Second) // 200 s after its start
		synctest.Wait()
		w.checkEnded(g, "one", flow.Succeeded, `{"n":1}`)
		h.close()
	})
}

// TestCloseLetsCallsEnd: calls in flight that end before the context of Close is done count.
func TestCloseLetsCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", "- {Name: A, CALL, Next: B}\n- {Name: B, CALL, End: true}\n")
		w.tasks.on("A", sleeping(5*time.Second, `{}`))
		h := w.open(nil)
		h.start(f, "one")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		h.Close(ctx)
		if w.tasks.called("B") != 0 || w.count(f, "one", flow.TaskSucceeded) != 1 {
			t.Errorf("%d calls of B, %d results", w.tasks.called("B"),
				w.count(f, "one", flow.TaskSucceeded))
		}
		h.close()
		h = w.open(nil)
		time.Sleep(10 * time.Second)
		w.checkEnded(f, "one", flow.Succeeded, `{"done":true}`)
		if n := w.tasks.called("A"); n != 1 {
			t.Errorf("A was called %d times", n)
		}
		h.close()
	})
}

// TestDrain: a call that outlasts several processes, each of which ends by plan, is returned and
// repeated. The execution does not fail as poison.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(time.Hour, `{"a":1}`))
		const runners = 2 * interp.CallsMax
		for i := range runners {
			h := w.open(nil)
			if i == 0 {
				h.start(f, "one")
			}
			time.Sleep(time.Minute)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			began := time.Now()
			h.Drain(ctx)
			cancel()
			h.close()
			if d := time.Since(began); d > 11*time.Second {
				t.Errorf("the end took %v", d)
			}
			if n := w.tasks.called("A"); n != i+1 {
				t.Fatalf("%d calls in %d engines", n, i+1)
			}
		}
		h := w.open(nil)
		time.Sleep(2 * time.Hour)
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		if n := w.tasks.called("A"); n != runners+1 {
			t.Errorf("%d calls", n)
		}
		h.close()
	})
}

// TestLeases: when the lease of a dead process expires another process repeats the call. A live
// process keeps its lease, however long the call takes.
func TestLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		short := func(o *engine.Options) { o.Topology, o.LeaseMax = engine.Servers, time.Minute }
		w.tasks.on("A", sleeping(time.Hour, `{"a":1}`))
		h, other := w.open(short), w.open(short)
		h.start(f, "one")
		time.Sleep(30 * time.Minute)
		if n := w.tasks.called("A"); n != 1 {
			t.Errorf("the engine that made the call lives, and the call was made %d times", n)
		}
		h.close()
		time.Sleep(5 * time.Minute)
		if n := w.tasks.called("A"); n != 2 {
			t.Errorf("the engine that made the call is closed, and the call was made %d times", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		if n := w.tasks.called("A"); n != 2 {
			t.Errorf("%d calls", n)
		}
		other.close()
	})
}

// TestLateResultCounts: the lease of a frozen process has expired and the attempt is called again.
// The first result counts.
func TestLateResultCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		var calls atomic.Int32
		w.tasks.on("A", func(ctx context.Context, q task.Request) task.Result {
			if calls.Add(1) == 1 {
				return sleeping(3*time.Minute, `{"who":"first"}`)(ctx, q)
			}
			return sleeping(time.Hour, `{"who":"second"}`)(ctx, q)
		})
		frozen := func(o *engine.Options) {
			o.Topology, o.LeaseMax = engine.Servers, time.Minute
			// To other processes its leases look long over.
			o.Now = func() time.Time { return time.Now().Add(-10 * time.Minute) }
		}
		h := w.open(frozen)
		h.start(f, "one")
		other := w.open(func(o *engine.Options) { o.Topology = engine.Servers })
		if err := other.HandleHint(context.Background(), store.Partition(f.ID, "one")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"who":"first"}`)
		if calls.Load() != 2 {
			t.Errorf("%d calls", calls.Load())
		}
		h.close()
		other.close()
	})
}

// TestLostCallsEnd: a call that crashes its process each time fails after some attempts.
func TestLostCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(time.Hour, `{}`))
		h := w.open(nil)
		h.start(f, "one")
		for range 10 {
			time.Sleep(time.Second)
			h.close()
			h = w.open(nil)
		}
		time.Sleep(time.Second)
		w.checkEnded(f, "one", flow.Failed, "")
		if x := w.load(f, "one"); x.Error == nil || x.Error.Name != "FC.Unknown" ||
			w.tasks.called("A") != 5 {
			t.Errorf("%v after %d calls", x.Error, w.tasks.called("A"))
		}
		h.close()
	})
}

// TestMaxCalls: no more calls than CallsMax are in flight, and all are made without the sweeper,
// even if many return together, fail or are aborted.
func TestMaxCalls(t *testing.T) {
	for _, callsMax := range []int{1, 3, 100} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", `- Name: A
  Type: Map
  InputConstructor: {items: `+items(40)+`}
  ItemsPath: $Input.items
  Processor:
    StartAt: Call
    States:
    - {Name: Call, CALL, End: true}
  Next: P
- Name: P
  Type: Parallel
  Branches:
  - StartAt: Slow
    States:
    - {Name: Slow, CALL, End: true}
  - StartAt: Bad
    States:
    - {Name: Bad, CALL, End: true}
  Catch:
  - {Errors: [FnF.ALL], Next: Last}
  End: true
- {Name: Last, CALL, End: true}
`)
			var now, peak atomic.Int32
			w.tasks.on("Call", func(context.Context, task.Request) task.Result {
				peak.Store(max(peak.Load(), now.Add(1)))
				time.Sleep(10 * time.Millisecond)
				now.Add(-1)
				return task.Result{Output: []byte(`{}`)}
			})
			w.tasks.on("Bad", func(context.Context, task.Request) task.Result {
				return task.Fail("Bad", "it is")
			})
			slow := time.Hour
			if callsMax == 1 {
				slow = time.Millisecond // or nothing else is ever called
			}
			w.tasks.on("Slow", sleeping(slow, `{}`))
			h := w.open(func(o *engine.Options) { o.CallsMax, o.Queue = callsMax, discardQueue{} })
			h.start(f, "one")
			time.Sleep(10 * time.Second) // no sweep yet
			synctest.Wait()
			w.checkEnded(f, "one", flow.Succeeded, `{"done":true}`)
			if int(peak.Load()) > callsMax || w.tasks.repeated() > 0 {
				t.Errorf("%d calls at once, %d may be", peak.Load(), callsMax)
			}
			h.close()
		})
	}
}

// TestWaitingIsNoPoison: an execution that waits for a report is found due now and then, because
// its wake time was set for its call. It must never count as poison.
func TestWaitingIsNoPoison(t *testing.T) {
	for _, topology := range []engine.Topology{engine.Embedded, engine.Servers} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", oneWait)
			h := w.open(func(o *engine.Options) { o.Topology = topology })
			h.start(f, "one")
			time.Sleep(time.Second)
			writes := w.commitsTried(f, "one")
			time.Sleep(10 * 24 * time.Hour)
			synctest.Wait()
			x := w.load(f, "one")
			if x.Status != flow.Running || x.SweepAttempts != 0 || x.EngineAttempts != 0 ||
				x.Wake != x.Deadline {
				t.Fatalf("%v, tries %d, begun %d, wakes %v before its deadline", x.Status,
					x.SweepAttempts, x.EngineAttempts,
					time.Duration(x.Deadline-x.Wake)*time.Millisecond)
			}
			if more := w.commitsTried(f, "one") - writes; more > 4 {
				t.Errorf("waiting for ten days took %d commits", more)
			}
			if _, err := h.Report(context.Background(), account, w.tasks.token("one", "A"),
				engine.Report{Output: []byte(`{"a":1}`)}); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
			h.close()
		})
	}
}

// TestPoison: an execution whose commit crashes every process fails in the end. No execution counts
// as poison while the store or the processes are merely unavailable.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f",
			"- {Name: A, Type: Wait, Seconds: 10, Next: B}\n- {Name: B, Type: Pass, End: true}\n")
		h := w.open(nil)
		h.start(f, "one")
		h.start(f, "two")
		h.close()
		one := store.Partition(f.ID, "one")
		died := 0
		for range 60 {
			// A process dies at the first commit that would write an event.
			dying, spared := false, w.load(f, "one").EngineAttempts >= 5
			w.hooks(func(op string, k driver.Key) error {
				if op != memstore.OpCommit || k.Partition != one {
					return nil
				}
				if x := w.load(f, "one"); spared || !dying && x.Wake <= time.Now().UnixMilli() {
					dying = true
					return nil // the commit that counts the attempt
				}
				died++
				return context.Canceled // as if the process were gone
			}, nil)
			h = w.open(func(o *engine.Options) { o.Queue = discardQueue{} })
			time.Sleep(3 * time.Minute)
			h.close()
			if x := w.load(f, "one"); x.Status.Final() {
				break
			}
			time.Sleep(time.Hour)
		}
		w.hooks(nil, nil)
		w.checkEnded(f, "one", flow.Failed, "")
		w.checkEnded(f, "two", flow.Succeeded, "")
		if x := w.load(f, "one"); x.Error == nil ||
			x.Error.Name != "FnF.InternalError" || died < 5 {
			t.Errorf("%v after %d deaths", x.Error, died)
		}
	})
}

// TestInterpreterPanics: a bug of the engine fails the execution and nothing else.
func TestInterpreterPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait)
		g := w.flow("g", oneTask)
		badCompile := func(definition, mode string) (*flow.Machine, error) {
			m, err := compile(definition, mode)
			if m != nil && m.Name == "f" {
				m.Root.States[0].Task.Mode = flow.WaitForCustomCallback
				m.Nodes[0].Next = 77 // no such state
			}
			return m, err
		}
		h := w.open(func(o *engine.Options) { o.Compile = badCompile })
		h.start(f, "one")
		h.start(g, "other")
		synctest.Wait()
		if _, err := h.Report(context.Background(), account, w.tasks.token("one", "A"),
			engine.Report{Output: []byte(`{}`)}); err == nil {
			t.Log("the report was accepted before the end")
		}
		synctest.Wait()
		w.checkEnded(f, "one", flow.Failed, "")
		w.checkEnded(g, "other", flow.Succeeded, "")
		h.close()
	})
}

// TestLowerBodyLimit: an execution that is larger than a lowered limit fails, and is not retried
// for ever.
func TestLowerBodyLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		w.tasks.on("A", sleeping(time.Hour, `{}`))
		h := w.open(nil)
		h.start(f, "one")
		time.Sleep(time.Second)
		h.close()
		w.tasks.on("A", sleeping(time.Second, `{}`))
		w.open(func(o *engine.Options) { o.Limits.BodyBytes = 10 })
		time.Sleep(time.Minute)
		if x := w.load(f, "one"); x.Status != flow.Failed || x.Error.Name != flow.ErrDataLimit {
			t.Errorf("%v %v", x.Status, x.Error)
		}
	})
}

// TestHintsLost: if every hint is lost, the sweeper alone brings everything to its end.
func TestHintsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", `- {Name: A, Type: Wait, Seconds: 90, Next: B}
- {Name: B, CALL, Retry: [{Errors: [FnF.ALL], MaxAttempts: 2, IntervalSeconds: 100, BackoffRate: 1}], Next: C}
- {Name: C, CALL, TaskMode: WaitForCustomCallback, Timeout: 100, Catch: [{Errors: [FnF.TaskTimeout], Next: D}], End: true}
- {Name: D, Type: Pass, End: true}
`)
		var n atomic.Int32
		w.tasks.on("B", func(context.Context, task.Request) task.Result {
			if n.Add(1) < 3 {
				return task.Fail("Busy", "")
			}
			return task.Result{Output: []byte(`{}`)}
		})
		h := w.open(func(o *engine.Options) { o.Queue = discardQueue{} })
		h.start(f, "one")
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, "")
		if n.Load() != 3 {
			t.Errorf("%d calls of B", n.Load())
		}
		h.close()
	})
}

// TestLongWaitsAreOnTime: a wait that is longer than hintDelayMax still ends on time.
func TestLongWaitsAreOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		began := time.Now()
		var flows []*store.Flow
		for i, seconds := range []int{1, 7, 61, 179, 181, 241, 299} {
			f := w.flow(fmt.Sprintf("f%d", i),
				fmt.Sprintf("- {Name: A, Type: Wait, Seconds: %d, End: true}\n", seconds))
			h.start(f, "one")
			flows = append(flows, f)
		}
		time.Sleep(time.Hour)
		for i, seconds := range []int{1, 7, 61, 179, 181, 241, 299} {
			x := w.load(flows[i], "one")
			took := time.UnixMilli(x.Stopped).Sub(began)
			late := took - time.Duration(seconds)*time.Second
			if late < 0 || late > 10*time.Millisecond {
				t.Errorf("a wait of %d s ended %v late", seconds, late)
			}
		}
		h.close()
	})
}

// TestTimeouts: the timeouts of a task, of a call that ignores its context, and of an execution.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", "- {Name: A, CALL, Timeout: 5, End: true}\n")
		deaf := w.flow("deaf", "- {Name: A, CALL, Timeout: 5, End: true}\n")
		g := w.define("g", flow.Standard,
			"Type: StateMachine\nSpecVersion: v1\nName: g\nTimeout: 200\nStartAt: A\nStates:\n"+
				"- {Name: A, Type: Task, Action: 'FC:InvokeFunction', "+
				"TaskMode: WaitForCustomCallback, "+
				"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, "+
				"End: true}\n")
		w.tasks.on("A", func(ctx context.Context, q task.Request) task.Result {
			switch q.Flow {
			case "deaf":
				time.Sleep(time.Minute)
				return task.Result{Output: []byte(`{"too":"late"}`)}
			case "f":
				<-ctx.Done()
			}
			return task.Result{Output: []byte(`{}`)}
		})
		h := w.open(nil)
		h.start(f, "one")
		h.start(deaf, "one")
		h.start(g, "one")
		began := time.Now()
		time.Sleep(time.Hour)
		for _, c := range []struct {
			f      *store.Flow
			status flow.Status
			name   string
			after  time.Duration
		}{{f, flow.Failed, flow.ErrTaskTimeout, 5 * time.Second},
			{deaf, flow.Failed, flow.ErrTaskTimeout, 5 * time.Second},
			{g, flow.TimedOut, flow.ErrExecutionTimedOut, 200 * time.Second}} {
			w.checkEnded(c.f, "one", c.status, "")
			x := w.load(c.f, "one")
			if late := time.UnixMilli(x.Stopped).Sub(began) - c.after; x.Error.Name != c.name ||
				late < -10*time.Millisecond || late > time.Minute {
				t.Errorf("%s: %v, %v late", c.f.Name, x.Error, late)
			}
		}
		h.close()
	})
}
