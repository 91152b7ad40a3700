package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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

// TestInbox: a message that loses three times is accepted through the inbox by an engine that does
// not lose, in every topology. Its caller gets the id of its event.
func TestInbox(t *testing.T) {
	for name, open := range map[string]func(w *harness) *node{
		"functions": func(w *harness) *node { return w.deploy(5*time.Minute, nil).node },
		"servers":   func(w *harness) *node { return w.open(sharedStore) },
	} {
		for _, err := range []error{store.ErrConflict, errUnknownOutcome} {
			t.Run(fmt.Sprint(name, " ", err), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newHarness(t)
					h := open(w)
					f := w.flow("f", oneWait)
					ctx := context.Background()
					for _, x := range []string{"report", "failure", "stop"} {
						h.start(f, x)
					}
					time.Sleep(time.Second)
					o := w.newAcceptor(h, 3)
					o.err = err
					id, err := o.Report(ctx, account, w.tasks.token("report", "A"), reportBy("me"))
					w.checkReported(f, "report", "me", id, err, nil)
					if n := o.tried.Load(); n != 3 {
						t.Errorf("%d commits were tried", n)
					}
					o.lose.Store(3)
					if id, err = o.Report(ctx, account, w.tasks.token("failure", "A"),
						engine.Report{Error: &flow.Error{Name: "Mine"}}); err != nil {
						t.Error(err)
					} else if e := w.history(f, "failure")[id-1]; e.Type != flow.TaskFailed ||
						e.Error.Name != "Mine" {
						t.Errorf("event %d is %v %v", id, e.Type, e.Error)
					}
					o.lose.Store(3)
					x, err := o.Stop(ctx, store.Partition(f.ID, "stop"),
						&flow.Error{Name: "Enough"})
					if err != nil || x.Status != flow.Stopped || x.Error == nil ||
						x.Error.Name != "Enough" {
						t.Errorf("stop: %v, %v", x, err)
					}
					time.Sleep(time.Second)
					w.checkEnded(f, "report", flow.Succeeded, `{"by":"me"}`)
					w.checkEnded(f, "failure", flow.Failed, "")
					w.checkEnded(f, "stop", flow.Stopped, "")
					for _, x := range []string{"report", "failure", "stop"} {
						w.checkInboxEmpty(f, x)
					}
				})
			})
		}
	}
}

// TestInboxCostsNothing: without conflicts the inbox is not read separately: an embedded engine
// does not read it, and functions read it together with the state row.
func TestInboxCostsNothing(t *testing.T) {
	for name, open := range map[string]func(w *harness) *node{
		"local":     func(w *harness) *node { return w.open(nil) },
		"functions": func(w *harness) *node { return w.deploy(5*time.Minute, nil).node },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				h := open(w)
				f := w.flow("f", strings.Replace(tasksInARow(12), "End: true", "Next: W", 1)+
					"- {Name: W, CALL, TaskMode: WaitForCustomCallback, End: true}\n")
				var mu sync.Mutex
				reads := map[string]int{}
				w.hooks(func(op string, k driver.Key) error {
					mu.Lock()
					defer mu.Unlock()
					if op == memstore.OpGet && k.Sort == "a" &&
						strings.HasPrefix(k.Partition, "x#") || op == memstore.OpRange {
						reads[op+" "+k.Sort]++
					}
					return nil
				}, nil)
				h.start(f, "one")
				time.Sleep(time.Second)
				if _, err := h.Report(context.Background(), account, w.tasks.token("one", "W"),
					reportBy("me")); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				w.hooks(nil, nil)
				w.checkEnded(f, "one", flow.Succeeded, `{"by":"me"}`)
				// Functions: one read for each hint; a report checks the token, then loads.
				want := map[string]int{}
				if name == "functions" {
					want = map[string]int{"range a": 2, "get a": 2}
				}
				if fmt.Sprint(reads) != fmt.Sprint(want) {
					t.Errorf("reads %v, want %v", reads, want)
				}
			})
		})
	}
}

// TestStepsOfInbox fails every step of the way through an inbox, with an error that leaves open
// whether the step was made. A caller that gets success has its event, one of two reports counts,
// and no inbox entry is left.
func TestStepsOfInbox(t *testing.T) {
	type step struct {
		op, sort string
		applied  bool
	}
	var steps []step
	for _, op := range []struct{ op, sort string }{{memstore.OpCommit, "b#"},
		{memstore.OpCommit, "a"}, {memstore.OpDelete, "b#"}, {memstore.OpRange, "a"},
		{memstore.OpGet, "a"}, {memstore.OpGet, "b#"}} {
		steps = append(steps, step{op.op, op.sort, false}, step{op.op, op.sort, true})
	}
	for _, s := range steps {
		for _, stop := range []bool{false, true} {
			name := fmt.Sprintf("%s %s applied %v stop %v", s.op, s.sort, s.applied, stop)
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newHarness(t)
					d := w.deploy(5*time.Minute, nil)
					f := w.flow("f", oneWait)
					d.start(f, "one")
					time.Sleep(time.Second)
					token := w.tasks.token("one", "A")
					var left atomic.Int32
					failing := func(op string, k driver.Key) error {
						if op == s.op && strings.HasPrefix(k.Partition, "x#") &&
							strings.HasPrefix(k.Sort, s.sort) && left.Add(-1) >= 0 {
							return errUnknownOutcome
						}
						return nil
					}
					oks := atomic.Int32{}
					var work sync.WaitGroup
					for i := range 2 {
						o := w.newAcceptor(d.node, 3)
						work.Go(func() {
							for range 20 {
								var err error
								if stop && i == 1 {
									_, err = o.Stop(context.Background(),
										store.Partition(f.ID, "one"), &flow.Error{Name: "Enough"})
								} else {
									_, err = o.Report(context.Background(), account, token,
										reportBy(fmt.Sprint(i)))
								}
								switch {
								case err == nil:
									oks.Add(1)
									return
								case errors.Is(err, engine.ErrTaskEnded),
									errors.Is(err, engine.ErrExecutionEnded):
									return
								}
								time.Sleep(time.Second)
							}
							t.Error("no answer")
						})
					}
					left.Store(4)
					if s.applied {
						w.hooks(nil, failing)
					} else {
						w.hooks(failing, nil)
					}
					work.Wait()
					w.hooks(nil, nil)
					time.Sleep(20 * time.Minute)
					x := w.load(f, "one")
					if !x.Status.Final() || oks.Load() != 1 &&
						!(oks.Load() == 2 && stop && x.Status == flow.Stopped) {
						t.Errorf("%v, %d were told success", x.Status, oks.Load())
					}
					w.checkInboxEmpty(f, "one")
					if n := w.count(f, "one", flow.TaskSucceeded); n > 1 {
						t.Errorf("%d reports count", n)
					}
				})
			})
		}
	}
}

// TestWideInbox: a hundred callers report at once, and each loses. Engines accept the reports in
// groups.
func TestWideInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 150
		w := newHarness(t)
		d := w.deploy(5*time.Minute, func(o *engine.Options) {
			o.Limits.MapConcurrency, o.Limits.MapConcurrencyMax = n, n
		})
		f := w.flow("f", `- Name: A
  Type: Map
  InputConstructor: {items: `+items(n)+`}
  ItemsPath: $Input.items
  Processor:
    StartAt: Ask
    States:
    - {Name: Ask, CALL, TaskMode: WaitForCustomCallback, End: true}
  End: true
`)
		var mu sync.Mutex
		var tokens []string
		w.tasks.on("Ask", func(_ context.Context, q task.Request) task.Result {
			mu.Lock()
			defer mu.Unlock()
			tokens = append(tokens, q.Token)
			return task.Result{Output: []byte(`{}`)}
		})
		d.start(f, "one")
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(tokens) != n {
			t.Fatalf("%d of %d wait", len(tokens), n)
		}
		before := w.load(f, "one").Version
		w.hooks(func(op string, _ driver.Key) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		}, nil)
		var work sync.WaitGroup
		for i, token := range tokens {
			o := w.newAcceptor(d.node, 3)
			work.Go(func() {
				if _, err := o.Report(context.Background(), account, token,
					reportBy(fmt.Sprint(i))); err != nil {
					t.Errorf("report %d: %v", i, err)
				}
			})
		}
		work.Wait()
		time.Sleep(time.Minute)
		w.hooks(nil, nil)
		w.checkEnded(f, "one", flow.Succeeded, "")
		w.checkInboxEmpty(f, "one")
		if got := w.count(f, "one", flow.TaskSucceeded); got != n {
			t.Errorf("%d results", got)
		}
		if commits := w.load(f, "one").Version - before; commits > 20 {
			t.Errorf("%d commits for %d reports", commits, n)
		}
	})
}

// TestBusyRunnerLooks: an engine whose every commit wins never has a reason to load the execution.
// It finds what others have put into the inbox even if no hint comes.
func TestBusyRunnerLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		f := w.flow("f", strings.Replace(branches, "- {Name: Pay, CALL, End: true}",
			"- {Name: Pay, Type: Map, MaxConcurrency: 1, InputConstructor: {items: "+items(600)+
				"}, ItemsPath: $Input.items, Processor: {StartAt: P, States: [{Name: P, CALL, "+
				"End: true}]}, End: true}", 1))
		w.tasks.on("P", sleeping(50*time.Millisecond, `{"n":1}`))
		d.start(f, "one")
		time.Sleep(5 * time.Second)
		o := w.newAcceptor(nil, always)
		began := time.Now()
		id, err := o.Report(context.Background(), account, w.tasks.token("one", "Ask"),
			reportBy("me"))
		w.checkReported(f, "one", "me", id, err, nil)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("after %v", took)
		}
		o = w.newAcceptor(nil, always)
		if _, err := o.Stop(context.Background(), store.Partition(f.ID, "one"), nil); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		w.checkEnded(f, "one", flow.Stopped, "")
		w.checkInboxEmpty(f, "one")
	})
}

// TestChildsEndThroughInbox: the report of a child's end goes through the inbox like any other, and
// its parent goes on.
func TestChildsEndThroughInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		child := w.flow("child",
			"- {Name: A, Type: Wait, Seconds: 5, Next: B}\n- {Name: B, Type: Pass, End: true}\n")
		parent := w.flow("parent",
			"- {Name: A, Type: Task, Action: 'FNF:StartExecution', "+
				"TaskMode: WaitForSystemCallback, "+
				"Parameters: {resourceArn: 'acs:fnf:::flow/child', executionName: c, input: {}}, "+
				"End: true}\n")
		s := &losingDriver{Driver: w.mem, err: store.ErrConflict}
		d := w.deploy(5*time.Minute, func(o *engine.Options) {
			o.Store = store.New(store.Options{Driver: s, TailBytes: 200})
		})
		d.start(parent, "one")
		time.Sleep(2 * time.Second)
		// Between the child's end and its callback, commits of the parent's row fail.
		var losses atomic.Int32
		w.hooks(func(op string, k driver.Key) error {
			if op == memstore.OpCAS && k.Sort == "a" &&
				k.Partition == store.Partition(parent.ID, "one") && losses.Add(1) <= 3 {
				return store.ErrConflict
			}
			return nil
		}, nil)
		var posted atomic.Int32
		w.mu.Lock()
		before := w.beforeOp
		w.beforeOp = func(op string, k driver.Key) error {
			if op == memstore.OpCommit && store.IsInboxEntry(k) {
				posted.Add(1)
			}
			return before(op, k)
		}
		w.mu.Unlock()
		time.Sleep(time.Minute)
		w.hooks(nil, nil)
		w.checkEnded(child, "c", flow.Succeeded, "")
		w.checkEnded(parent, "one", flow.Succeeded, "")
		w.checkInboxEmpty(parent, "one")
		if n := posted.Load(); n != 1 {
			t.Errorf("%d inbox entries were written, want 1", n)
		}
	})
}
