package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
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

// spread returns the states of a distributed Map over n items, whose children run one state B.
func spread(mode string, n int, b, fields string) string {
	return fmt.Sprintf("- {Name: A, Type: Map, ItemsPath: '%s', ProcessorConfig: "+
		"{ExecutionMode: %s}, Processor: {StartAt: B, States: [%s]}, %s End: true}\n",
		items(n), mode, b, fields)
}

const (
	callB = "{Name: B, CALL, End: true}"
	waitB = "{Name: B, Type: Wait, Seconds: 300, End: true}"
)

// mapRun returns the only MapRun of an execution.
func (h *node) mapRun(f *store.Flow, name string) interp.MapRun {
	h.w.t.Helper()
	for _, e := range h.w.history(f, name) {
		if e.Type == flow.MapRunStarted {
			run, _ := e.Output.Object()
			got, err := h.MapRun(context.Background(), store.Partition(f.ID, name),
				run["MapRunName"].(string))
			if err != nil {
				h.w.t.Fatal(err)
			}
			return *got
		}
	}
	h.w.t.Fatal("no MapRun has started")
	return interp.MapRun{}
}

// children returns how many children a MapRun has, by status.
func (w *harness) children(f *store.Flow, run string) map[flow.Status]int {
	w.t.Helper()
	all, _, err := w.store.List(context.Background(), store.ListOptions{FlowID: f.ID,
		Shards: f.ListShards, Limit: 1000,
		Match: func(s store.Summary) bool { return s.MapRun == run }})
	if err != nil {
		w.t.Fatal(err)
	}
	counts := map[flow.Status]int{}
	for _, s := range all {
		counts[s.Status]++
	}
	return counts
}

// ones returns the result of a Map of n children of callB.
func ones(n int) string {
	return `{"Items":[` + strings.Repeat(`{"done":true},`, n-1) + `{"done":true}]}`
}

// TestMapRun: every child is called once and counts once, in servers, in functions and in an
// embedded store, whatever its mode.
func TestMapRun(t *testing.T) {
	for _, mode := range []string{flow.Standard, flow.Express} {
		for name, open := range map[string]func(w *harness) *node{
			"alone":     func(w *harness) *node { return w.open(nil) },
			"servers":   func(w *harness) *node { w.open(sharedStore); return w.open(sharedStore) },
			"functions": func(w *harness) *node { return w.deploy(5*time.Minute, nil).node },
		} {
			t.Run(mode+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newHarness(t)
					h := open(w)
					w.tasks.on("B", sleeping(time.Second, `{"done":true}`))
					f := w.flow("f", spread(mode, 30, strings.Replace(callB, "CALL",
						"Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: "+
							"'acs:fc:::functions/f', invocationType: Sync}", 1), "MaxConcurrency: 7,"))
					h.start(f, "one")
					time.Sleep(10 * time.Minute)
					w.checkEnded(f, "one", flow.Succeeded, ones(30))
					if n := w.tasks.called("B"); n != 30 || w.tasks.repeated() > 0 {
						t.Errorf("%d calls, %d of them repeated", n, w.tasks.repeated())
					}
					r := h.mapRun(f, "one")
					if r.Status != interp.MapRunSucceeded || r.Succeeded != 30 || r.Total != 30 {
						t.Errorf("the MapRun is %+v", r)
					}
					want := map[string]int{flow.Standard: 30}[mode]
					if got := w.children(f, r.Name)[flow.Succeeded]; got != want {
						t.Errorf("%d children are listed, want %d", got, want)
					}
				})
			})
		}
	}
}

// TestMapRunSurvives: a process that dies while children run loses none. The next one repeats the
// calls that were in flight, with the same keys, and no others.
func TestMapRunSurvives(t *testing.T) {
	for _, mode := range []string{flow.Standard, flow.Express} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h := w.open(nil)
			w.tasks.on("B", sleeping(time.Second, `{"done":true}`))
			f := w.flow("f", spread(mode, 30, callB, "MaxConcurrency: 7,"))
			h.start(f, "one")
			time.Sleep(2500 * time.Millisecond)
			h.close()
			w.open(nil)
			time.Sleep(5 * time.Minute)
			w.checkEnded(f, "one", flow.Succeeded, ones(30))
			if calls, again := w.tasks.called("B"), w.tasks.repeated(); calls != 37 || again != 7 {
				t.Errorf("%s: %d calls, %d keys more than once", mode, calls, again)
			}
		})
	}
}

// TestMapRunStartsOnce: the start of a child whose response is lost is the same start, and a commit
// of the parent with an unknown outcome counts no child twice.
func TestMapRunStartsOnce(t *testing.T) {
	for n := range 12 {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h := w.open(sharedStore)
			w.hooks(nil, once(memstore.OpCommit, "a", n+1))
			f := w.flow("f", spread(flow.Standard, 5, callB, ""))
			if _, _, err := h.StartExecution(context.Background(), starting(f, "one")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			w.checkEnded(f, "one", flow.Succeeded, ones(5))
			r := h.mapRun(f, "one")
			if r.Succeeded != 5 || w.children(f, r.Name)[flow.Succeeded] != 5 {
				t.Errorf("lost response %d: %+v", n, r)
			}
		})
	}
}

// TestMapRunEndsChildren: a stop, a time limit and a failure beyond the tolerance end all children
// within seconds, and start no others.
func TestMapRunEndsChildren(t *testing.T) {
	failing := "{Name: B, Type: Choice, Branches: [{Condition: '$Input == 2', Next: F}], " +
		"Default: W}, {Name: F, Type: Fail, Code: Broken}, " +
		"{Name: W, Type: Wait, Seconds: 300, End: true}"
	for name, c := range map[string]struct {
		states string
		status interp.MapRunStatus
		end    func(h *node, partition string)
	}{
		"stop": {spread(flow.Standard, 60, waitB, "MaxConcurrency: 40,"), interp.MapRunAborted,
			func(h *node, partition string) {
				if _, err := h.Stop(context.Background(), partition, nil); err != nil {
					h.w.t.Error(err)
				}
			}},
		"failure": {strings.Replace(spread(flow.Standard, 60, failing, "MaxConcurrency: 40,"),
			"[1, 1", "[1, 2", 1), interp.MapRunFailed, func(*node, string) {}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				h := w.open(nil)
				f := w.flow("f", c.states)
				h.start(f, "one")
				time.Sleep(time.Second)
				c.end(h, store.Partition(f.ID, "one"))
				time.Sleep(5 * time.Second)
				r := h.mapRun(f, "one")
				got := w.children(f, r.Name)
				if r.Status != c.status || got[flow.Running] > 0 || r.Pending != 20 ||
					r.Aborted < 39 || name == "stop" && got[flow.Stopped] != 40 {
					t.Errorf("%+v, children %v", r, got)
				}
				time.Sleep(time.Minute)
				if late := w.children(f, r.Name); !maps.Equal(late, got) {
					t.Errorf("children %v, later %v", got, late)
				}
			})
		})
	}
}

// TestMapRunDeadline: the time limit of an execution ends its children.
func TestMapRunDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := w.define("f", flow.Standard, "Type: StateMachine\nSpecVersion: v1\nName: f\n"+
			"Timeout: 20\nStartAt: A\nStates:\n"+spread(flow.Standard, 3, waitB, ""))
		h.start(f, "one")
		time.Sleep(22 * time.Second)
		r := h.mapRun(f, "one")
		if got := w.children(f, r.Name); r.Status != interp.MapRunAborted || got[flow.Stopped] != 3 {
			t.Errorf("%+v, children %v", r, got)
		}
	})
}

// TestUpdateMapRun: an update takes effect while the MapRun runs. Unknown names and MapRuns that
// have ended are rejected.
func TestUpdateMapRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		w.tasks.on("B", sleeping(time.Minute, `{"done":true}`))
		f := w.flow("f", spread(flow.Express, 20, callB, "MaxConcurrency: 2,"))
		h.start(f, "one")
		time.Sleep(time.Second)
		ctx, partition := context.Background(), store.Partition(f.ID, "one")
		r, wide := h.mapRun(f, "one"), int64(10)
		got, err := h.UpdateMapRun(ctx, partition, r.Name, interp.MapRunUpdate{Concurrency: &wide})
		if err != nil || got.Concurrency != 10 {
			t.Fatal(got, err)
		}
		time.Sleep(time.Second)
		if n := h.mapRun(f, "one").Running; n != 10 {
			t.Errorf("%d children run", n)
		}
		for name, want := range map[string]error{"x": engine.ErrNoMapRun, "": engine.ErrNoMapRun} {
			_, err := h.UpdateMapRun(ctx, partition, name, interp.MapRunUpdate{})
			if !errors.Is(err, want) {
				t.Errorf("MapRun %q: %v", name, err)
			}
		}
		if _, err := h.MapRun(ctx, store.Partition(f.ID, "two"), r.Name); !errors.Is(err,
			store.ErrNotFound) {
			t.Errorf("an execution that does not exist: %v", err)
		}
		time.Sleep(10 * time.Minute)
		w.checkEnded(f, "one", flow.Succeeded, ones(20))
		if _, err := h.UpdateMapRun(ctx, partition, r.Name, interp.MapRunUpdate{}); !errors.Is(err,
			engine.ErrMapRunEnded) {
			t.Errorf("one that has ended: %v", err)
		}
	})
}

// TestUpdateMapRunLosesRaces: an update whose commits lose the race is submitted again, and says so
// if it never wins.
func TestUpdateMapRunLosesRaces(t *testing.T) {
	for lost, want := range map[int]error{4: nil, 1000: engine.ErrBusy} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h := w.open(sharedStore)
			f := w.flow("f", spread(flow.Standard, 3, waitB, ""))
			h.start(f, "one")
			time.Sleep(time.Second)
			r, two, left := h.mapRun(f, "one"), int64(2), lost
			w.hooks(func(op string, k driver.Key) error {
				if left--; op == memstore.OpCommit && k.Partition == store.Partition(f.ID, "one") &&
					left >= 0 {
					return store.ErrConflict
				}
				return nil
			}, nil)
			_, err := h.UpdateMapRun(context.Background(), store.Partition(f.ID, "one"), r.Name,
				interp.MapRunUpdate{Concurrency: &two})
			w.hooks(nil, nil)
			if !errors.Is(err, want) {
				t.Errorf("%d lost: %v", lost, err)
			}
		})
	}
}

// TestMapRunNameTaken: a child whose name somebody else has taken fails, and the error says why.
func TestMapRunNameTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := w.flow("f", spread(flow.Standard, 2, waitB, "MaxConcurrency: 1,"))
		h.start(f, "one")
		time.Sleep(time.Second)
		r := h.mapRun(f, "one")
		h.start(f, r.Name+"-1") // once the name of the MapRun is known, somebody may do so
		time.Sleep(10 * time.Minute)
		if x := w.load(f, "one"); x.Error == nil || x.Error.Name != flow.ErrMapRunFailed ||
			!strings.Contains(x.Error.Cause, "FNF.ExecutionAlreadyExists") {
			t.Errorf("it ends with %+v", x.Error)
		}
	})
}

// TestExpressChildFails: a task that fails, and a child that takes too long, fail the child alone.
func TestExpressChildFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(func(o *engine.Options) { o.Limits.ExpressSeconds = 5 })
		calls := 0
		w.tasks.on("B", func(ctx context.Context, _ task.Request) task.Result {
			if calls++; calls == 1 {
				return task.Fail("Broken", "because")
			}
			<-ctx.Done()
			return task.Result{}
		})
		f := w.flow("f", spread(flow.Express, 2, callB, "MaxConcurrency: 1, ToleratedFailureCount: 2,"))
		h.start(f, "one")
		time.Sleep(time.Minute)
		w.checkEnded(f, "one", flow.Succeeded, `{"Items":[{"Error":{"Code":"Broken","Detail":`+
			`"because"}},{"Error":{"Code":"FnF.ExecutionTimedOut","Detail":"the execution ran `+
			`longer than its time limit"}}]}`)
	})
}
