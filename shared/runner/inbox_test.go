package runner_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/runner"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

// slow is a store as somebody reaches it who is too slow: the next commits of state rows are lost, by others or to an
// answer that does not come.
type slow struct {
	store.Driver
	lose  atomic.Int32 // so many more
	err   error
	tried atomic.Int32
	post  func(apply func() error) error // instead of the write of a letter; nil: that alone
}

func (s *slow) Commit(ctx context.Context, puts []store.Row, cas store.Row, cond store.Condition) error {
	apply := func() error { return s.Driver.Commit(ctx, puts, cas, cond) }
	if cas.Sort == "a" {
		s.tried.Add(1)
		if s.lose.Add(-1) >= 0 {
			return s.err
		}
	} else if s.post != nil && store.IsLetter(cas.Key) {
		return s.post(apply)
	}
	return apply()
}

// outsider is somebody who reports and stops, by a runner of his own that runs nothing itself.
type outsider struct {
	*runner.Runner
	*slow
}

// outsider gives one who loses the next n commits. Hints go to the queue of h; nil: they are lost.
func (w *world) outsider(h *home, n int32) *outsider {
	o := &outsider{slow: &slow{Driver: w.mem, err: store.ErrConflict}}
	o.lose.Store(n)
	options := runner.Options{Store: store.New(store.Options{Driver: o.slow, TailBytes: 200}), Queue: dropped{}, Compile: compile,
		Limits: flow.DefaultLimits(), Region: "local", Thin: true}
	if h != nil {
		options.Queue = h.queue
	}
	o.Runner = runner.New(options)
	w.t.Cleanup(func() { o.Runner.Close(context.Background()) })
	return o
}

const always = 1 << 30

// letters gives the inbox of an execution.
func (w *world) letters(f *store.Flow, name string) []store.Row {
	w.t.Helper()
	rows, _, err := w.mem.Range(context.Background(), store.Range{Partition: store.Partition(f.ID, name), From: "b#", To: "c"})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// empty checks that nothing is in an inbox.
func (w *world) empty(f *store.Flow, name string) {
	w.t.Helper()
	if rows := w.letters(f, name); len(rows) != 0 {
		w.t.Errorf("%d letters are left: %v", len(rows), rows[0].Key)
	}
}

// scheduled gives the id in the token of an execution's only task.
func (w *world) scheduled(f *store.Flow, name string) int64 {
	w.t.Helper()
	for _, e := range w.history(f, name) {
		if e.Type == flow.TaskScheduled {
			return e.ID
		}
	}
	w.t.Fatal("nothing is scheduled")
	return 0
}

func by(who string) runner.Report { return runner.Report{Output: []byte(`{"by":"` + who + `"}`)} }

// told checks an answer: "" is success, by the event that says so.
func (w *world) told(f *store.Flow, name, who string, id int64, err error, want fault.Code) {
	w.t.Helper()
	code := fault.Code("")
	if err != nil {
		code = fault.CodeOf(err)
	}
	if code != want {
		w.t.Errorf("%s was told %v, want %q", who, err, want)
	}
	if err != nil {
		return
	}
	if e := w.history(f, name)[id-1]; e.Type != flow.TaskSucceeded || string(e.Output.Text()) != `{"by":"`+who+`"}` {
		w.t.Errorf("%s was told event %d, which is %v %s", who, id, e.Type, e.Output.Text())
	}
}

// TestInbox: news that loses three times is taken in by a runner that does not, in every home; whoever brings it is told
// so, with its event.
func TestInbox(t *testing.T) {
	for name, open := range map[string]func(w *world) *home{
		"functions": func(w *world) *home { return w.deploy(5*time.Minute, nil).home },
		"servers":   func(w *world) *home { return w.open(shared) },
	} {
		for _, err := range []error{store.ErrConflict, errLost} {
			t.Run(fmt.Sprint(name, " ", err), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					h := open(w)
					f := w.flow("f", oneWait)
					ctx := context.Background()
					for _, x := range []string{"report", "failure", "stop"} {
						h.start(f, x)
					}
					time.Sleep(time.Second)
					o := w.outsider(h, 3)
					o.err = err
					id, err := o.Report(ctx, account, w.tasks.token("report", "A"), by("me"))
					w.told(f, "report", "me", id, err, "")
					if n := o.tried.Load(); n != 3 {
						t.Errorf("%d commits were tried", n)
					}
					o.lose.Store(3)
					if id, err = o.Report(ctx, account, w.tasks.token("failure", "A"), runner.Report{Error: &flow.Error{Name: "Mine"}}); err != nil {
						t.Error(err)
					} else if e := w.history(f, "failure")[id-1]; e.Type != flow.TaskFailed || e.Error.Name != "Mine" {
						t.Errorf("event %d is %v %v", id, e.Type, e.Error)
					}
					o.lose.Store(3)
					x, err := o.Stop(ctx, store.Partition(f.ID, "stop"), &flow.Error{Name: "Enough"})
					if err != nil || x.Status != flow.Stopped || x.Error == nil || x.Error.Name != "Enough" {
						t.Errorf("stop: %v, %v", x, err)
					}
					time.Sleep(time.Second)
					w.ended(f, "report", flow.Succeeded, `{"by":"me"}`)
					w.ended(f, "failure", flow.Failed, "")
					w.ended(f, "stop", flow.Stopped, "")
					for _, x := range []string{"report", "failure", "stop"} {
						w.empty(f, x)
					}
				})
			})
		}
	}
}

// TestInboxOfOneProcess: a process that owns its store needs no inbox, and takes one in all the same: when three answers
// of the store have been lost.
func TestInboxOfOneProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.flow("f", oneWait)
		s := &slow{Driver: w.mem, err: errLost}
		h := w.open(func(o *runner.Options) {
			o.Store = store.New(store.Options{Driver: s, TailBytes: 200, Exclusive: true})
		})
		h.start(f, "one")
		h.start(f, "two")
		synctest.Wait()
		s.lose.Store(3)
		id, err := h.Report(context.Background(), account, w.tasks.token("one", "A"), by("me"))
		w.told(f, "one", "me", id, err, "")
		s.lose.Store(3)
		if _, err := h.Stop(context.Background(), store.Partition(f.ID, "two"), nil); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.ended(f, "one", flow.Succeeded, `{"by":"me"}`)
		w.ended(f, "two", flow.Stopped, "")
		w.empty(f, "one")
		w.empty(f, "two")
	})
}

// TestInboxCostsNothing: where nothing loses no inbox is read by itself: not in one process, and not in functions, where
// it comes with the state row.
func TestInboxCostsNothing(t *testing.T) {
	for name, open := range map[string]func(w *world) *home{
		"local":     func(w *world) *home { return w.open(nil) },
		"functions": func(w *world) *home { return w.deploy(5*time.Minute, nil).home },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				h := open(w)
				f := w.flow("f", strings.Replace(tasksInARow(12), "End: true", "Next: W", 1)+"- {Name: W, CALL, TaskMode: WaitForCustomCallback, End: true}\n")
				var mu sync.Mutex
				reads := map[string]int{}
				w.hooks(func(op string, k store.Key) error {
					mu.Lock()
					defer mu.Unlock()
					if op == memstore.OpGet && k.Sort == "a" && strings.HasPrefix(k.Partition, "x#") || op == memstore.OpRange {
						reads[op+" "+k.Sort]++
					}
					return nil
				}, nil)
				h.start(f, "one")
				time.Sleep(time.Second)
				if _, err := h.Report(context.Background(), account, w.tasks.token("one", "W"), by("me")); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				w.hooks(nil, nil)
				w.ended(f, "one", flow.Succeeded, `{"by":"me"}`)
				// Functions: one read for each hint; a report checks the token, and loads.
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

// TestInboxGivesUp: nobody folds what is in the inbox. After five seconds it is taken back, and nothing has happened.
func TestInboxGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.deploy(5*time.Minute, nil)
		f := w.flow("f", oneWait)
		d.start(f, "one")
		time.Sleep(time.Second)
		ctx, token := context.Background(), w.tasks.token("one", "A")
		o := w.outsider(nil, always)
		for _, what := range []struct {
			want fault.Code
			do   func() error
		}{
			{fault.TaskInvalidState, func() error { _, err := o.Report(ctx, account, token, by("me")); return err }},
			{fault.ConcurrentUpdateError, func() error { _, err := o.Stop(ctx, store.Partition(f.ID, "one"), nil); return err }},
		} {
			began := time.Now()
			if err := what.do(); fault.CodeOf(err) != what.want {
				t.Errorf("told %v, want %s", err, what.want)
			}
			if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
				t.Errorf("after %v", took)
			}
			w.empty(f, "one")
		}
		if x := w.load(f, "one"); x.Status != flow.Running || x.LastEvent != 6 {
			t.Errorf("%v, %d events", x.Status, x.LastEvent)
		}
		o.lose.Store(0)
		id, err := o.Report(ctx, account, token, by("me"))
		w.told(f, "one", "me", id, err, "")
	})
}

// TestTwoLetters: two report the same task, and both lose. There is one place in the inbox; one of them is told success
// and the other that the task has completed, not before that is so. When nobody folds it, both are told to try again.
func TestTwoLetters(t *testing.T) {
	for _, folded := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			d := w.deploy(5*time.Minute, nil)
			f := w.flow("f", oneWait)
			d.start(f, "one")
			time.Sleep(time.Second)
			token := w.tasks.token("one", "A")
			var work sync.WaitGroup
			codes := make([]fault.Code, 2)
			for i := range codes {
				o := w.outsider(nil, always)
				work.Go(func() {
					time.Sleep(time.Duration(i) * time.Second)
					id, err := o.Report(context.Background(), account, token, by(fmt.Sprint(i)))
					if err == nil {
						w.told(f, "one", fmt.Sprint(i), id, nil, "")
					} else {
						codes[i] = fault.CodeOf(err)
					}
				})
			}
			time.Sleep(2 * time.Second)
			if n := len(w.letters(f, "one")); n != 1 {
				t.Errorf("%d letters", n)
			}
			if folded {
				if err := d.worker.Work(context.Background(), store.Partition(f.ID, "one")); err != nil {
					t.Error(err)
				}
			}
			work.Wait()
			want := [2]fault.Code{"", fault.TaskAlreadyCompleted}
			if !folded {
				want = [2]fault.Code{fault.TaskInvalidState, fault.TaskInvalidState}
			}
			if [2]fault.Code(codes) != want {
				t.Errorf("they were told %q, want %q", codes, want)
			}
			w.empty(f, "one")
		})
	}
}

// TestLetterComesTooLate: while a report is in the inbox its attempt is closed: by a report that was faster, by a stop,
// by its timeout, by another branch that fails, or by the end of the execution's time. It is refused, and counts nowhere.
func TestLetterComesTooLate(t *testing.T) {
	const waits = "- {Name: A, CALL, TaskMode: WaitForCustomCallback, Timeout: 4, Retry: [{Errors: [FnF.TaskTimeout], IntervalSeconds: 1, MaxAttempts: 1}], End: true}\n"
	for _, c := range []struct {
		name, states string
		close        func(w *world, d *functions, f *store.Flow) error
		status       flow.Status
	}{
		{"another report", oneWait, func(w *world, d *functions, _ *store.Flow) error {
			_, err := d.Report(context.Background(), account, w.tasks.token("one", "A"), by("another"))
			return err
		}, flow.Succeeded},
		{"a stop", oneWait, func(_ *world, d *functions, f *store.Flow) error {
			_, err := d.Stop(context.Background(), store.Partition(f.ID, "one"), nil)
			return err
		}, flow.Stopped},
		{"its timeout", waits, nil, flow.Running},
		{"another branch", strings.ReplaceAll(strings.ReplaceAll(branches, "Ask", "B"), "Name: B, CALL", "Name: B, CALL, Timeout: 600"), nil, flow.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				d := w.deploy(5*time.Minute, nil)
				w.tasks.on("Pay", func(ctx context.Context, q task.Request) task.Result {
					time.Sleep(3500 * time.Millisecond)
					return task.Fail("Broke", "on purpose")
				})
				f := w.flow("f", c.states)
				d.start(f, "one")
				time.Sleep(time.Second)
				token := w.tasks.token("one", "A") + w.tasks.token("one", "B")
				o := w.outsider(nil, always)
				// Whoever else looks at the execution would fold it.
				var held atomic.Bool
				w.hooks(func(op string, k store.Key) error {
					if op == memstore.OpRange && k.Sort == "a" && len(w.letters(f, "one")) > 0 && held.CompareAndSwap(false, true) {
						if err := w.mem.Delete(context.Background(), w.letters(f, "one")[0].Key, nil); err != nil {
							t.Error(err)
						}
					}
					return nil
				}, nil)
				done := make(chan error)
				go func() {
					_, err := o.Report(context.Background(), account, token, by("late"))
					done <- err
				}()
				time.Sleep(time.Second)
				if len(w.letters(f, "one")) != 1 {
					t.Error("no letter")
				}
				if c.close != nil {
					if err := c.close(w, d, f); err != nil {
						t.Error(err)
					}
				}
				if err := <-done; fault.CodeOf(err) != fault.TaskAlreadyCompleted {
					t.Errorf("told %v", err)
				}
				time.Sleep(1500 * time.Millisecond)
				if x := w.load(f, "one"); x.Status != c.status {
					t.Errorf("%v %v", x.Status, x.Error)
				}
				w.empty(f, "one")
				for _, e := range w.history(f, "one") {
					if e.Output != nil && strings.Contains(string(e.Output.Text()), "late") {
						t.Errorf("event %d is %v of the letter", e.ID, e.Type)
					}
				}
			})
		})
	}
}

// TestLeftLetter: whoever has put a letter into the inbox dies at once, and its hint is lost. The sweeper has it folded;
// or, when the execution has ended meanwhile, it is dropped. In no home is it left.
func TestLeftLetter(t *testing.T) {
	for name, open := range map[string]func(w *world) *home{
		"functions": func(w *world) *home { return w.deploy(5*time.Minute, nil).home },
		"servers":   func(w *world) *home { return w.open(shared) },
		"local":     func(w *world) *home { return w.open(nil) },
	} {
		for _, ended := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", ended), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					h := open(w)
					f := w.flow("f", oneWait)
					x := h.start(f, "one")
					time.Sleep(time.Second)
					l := &store.Letter{Partition: x.Partition(), Run: x.Run, Token: w.scheduled(f, "one"), Mark: 77, Output: []byte(`{"left":1}`),
						Wake: time.Now().Add(30 * time.Second).UnixMilli(), Expires: x.Expires}
					if err := w.store.Post(context.Background(), l); err != nil {
						t.Fatal(err)
					}
					status, output := flow.Succeeded, `{"left":1}`
					if ended {
						status, output = flow.Stopped, ""
						if _, err := h.Stop(context.Background(), x.Partition(), nil); err != nil {
							t.Error(err)
						}
					}
					time.Sleep(2*time.Minute + 30*time.Second)
					w.ended(f, "one", status, output)
					w.empty(f, "one")
				})
			})
		}
	}
}

// TestLetterOfAnotherRun: what is left in an inbox is for the run that it was meant for, and for none that has the name
// later or not at all.
func TestLetterOfAnotherRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.open(shared)
		f := w.flow("f", oneWait)
		x := h.start(f, "one")
		time.Sleep(time.Second)
		for i, l := range []*store.Letter{{Partition: x.Partition(), Run: x.Run + 1, Token: w.scheduled(f, "one")}, {Partition: store.Partition(f.ID, "none"), Run: 5, Token: 3}} {
			l.Mark, l.Output, l.Wake, l.Expires = uint64(i+1), []byte(`{}`), time.Now().Add(30*time.Second).UnixMilli(), x.Expires
			if err := w.store.Post(context.Background(), l); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Look(context.Background(), x.Partition()); err != nil {
			t.Error(err)
		}
		w.empty(f, "one")
		time.Sleep(2 * time.Minute)
		w.empty(f, "none")
		if x := w.load(f, "one"); x.Status != flow.Running {
			t.Errorf("%v", x.Status)
		}
	})
}

// TestPutOff: a letter that cannot be folded is not hammered: the sweeper comes back to it later and later, and it is
// folded once that is possible.
func TestPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.open(shared)
		f := w.flow("f", oneWait)
		x := h.start(f, "one")
		time.Sleep(time.Second)
		l := &store.Letter{Partition: x.Partition(), Run: x.Run, Token: w.scheduled(f, "one"), Mark: 1, Output: []byte(`{"left":1}`),
			Wake: time.Now().Add(30 * time.Second).UnixMilli(), Expires: x.Expires}
		if err := w.store.Post(context.Background(), l); err != nil {
			t.Fatal(err)
		}
		var off atomic.Bool
		off.Store(true)
		w.hooks(func(op string, k store.Key) error {
			if op == memstore.OpCAS && k.Sort == "a" && off.Load() {
				return store.ErrConflict
			}
			return nil
		}, nil)
		time.Sleep(30*time.Minute + 10*time.Second)
		// After 1, 2, 4, 8 and 16 minutes.
		if rows := w.letters(f, "one"); len(rows) != 1 || rows[0].Version != 6 {
			t.Errorf("%v", rows)
		}
		off.Store(false)
		time.Sleep(time.Hour)
		w.ended(f, "one", flow.Succeeded, `{"left":1}`)
		w.empty(f, "one")
	})
}

// TestStepsOfInbox breaks every step of the way through an inbox, by an error that leaves open whether the step was
// made. Whoever is told success has his event, one report of two counts, and no letter is left.
func TestStepsOfInbox(t *testing.T) {
	type step struct {
		op, sort string
		applied  bool
	}
	var steps []step
	for _, op := range []struct{ op, sort string }{{memstore.OpCommit, "b#"}, {memstore.OpCommit, "a"}, {memstore.OpDelete, "b#"}, {memstore.OpRange, "a"}, {memstore.OpGet, "a"}, {memstore.OpGet, "b#"}} {
		steps = append(steps, step{op.op, op.sort, false}, step{op.op, op.sort, true})
	}
	for _, s := range steps {
		for _, stop := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %s applied %v stop %v", s.op, s.sort, s.applied, stop), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					d := w.deploy(5*time.Minute, nil)
					f := w.flow("f", oneWait)
					d.start(f, "one")
					time.Sleep(time.Second)
					token := w.tasks.token("one", "A")
					var left atomic.Int32
					broken := func(op string, k store.Key) error {
						if op == s.op && strings.HasPrefix(k.Partition, "x#") && strings.HasPrefix(k.Sort, s.sort) && left.Add(-1) >= 0 {
							return errLost
						}
						return nil
					}
					oks := atomic.Int32{}
					var work sync.WaitGroup
					for i := range 2 {
						o := w.outsider(d.home, 3)
						work.Go(func() {
							for range 20 {
								var err error
								if stop && i == 1 {
									_, err = o.Stop(context.Background(), store.Partition(f.ID, "one"), &flow.Error{Name: "Enough"})
								} else {
									_, err = o.Report(context.Background(), account, token, by(fmt.Sprint(i)))
								}
								switch code := fault.CodeOf(err); {
								case err == nil:
									oks.Add(1)
									return
								case code == fault.TaskAlreadyCompleted || code == fault.ExecutionAlreadyCompleted:
									return
								}
								time.Sleep(time.Second)
							}
							t.Error("no answer")
						})
					}
					left.Store(4)
					if s.applied {
						w.hooks(nil, broken)
					} else {
						w.hooks(broken, nil)
					}
					work.Wait()
					w.hooks(nil, nil)
					time.Sleep(20 * time.Minute)
					x := w.load(f, "one")
					if !x.Status.Final() || oks.Load() != 1 && !(oks.Load() == 2 && stop && x.Status == flow.Stopped) {
						t.Errorf("%v, %d were told success", x.Status, oks.Load())
					}
					w.empty(f, "one")
					if n := w.count(f, "one", flow.TaskSucceeded); n > 1 {
						t.Errorf("%d reports count", n)
					}
				})
			})
		}
	}
}

// TestWideInbox: a hundred report at once, each loses; runners take them in by groups.
func TestWideInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 150
		w := newWorld(t)
		d := w.deploy(5*time.Minute, func(o *runner.Options) { o.Limits.MapConcurrency, o.Limits.MapConcurrencyMax = n, n })
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
		w.hooks(func(op string, _ store.Key) error { time.Sleep(10 * time.Millisecond); return nil }, nil)
		var work sync.WaitGroup
		for i, token := range tokens {
			o := w.outsider(d.home, 3)
			work.Go(func() {
				if _, err := o.Report(context.Background(), account, token, by(fmt.Sprint(i))); err != nil {
					t.Errorf("report %d: %v", i, err)
				}
			})
		}
		work.Wait()
		time.Sleep(time.Minute)
		w.hooks(nil, nil)
		w.ended(f, "one", flow.Succeeded, "")
		w.empty(f, "one")
		if got := w.count(f, "one", flow.TaskSucceeded); got != n {
			t.Errorf("%d results", got)
		}
		if commits := w.load(f, "one").Version - before; commits > 20 {
			t.Errorf("%d commits for %d reports", commits, n)
		}
	})
}

// TestBusyRunnerLooks: a runner whose every commit wins never has a reason to load what it knows. It finds what others
// have put into the inbox all the same, though no hint comes.
func TestBusyRunnerLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.deploy(5*time.Minute, nil)
		f := w.flow("f", strings.Replace(branches, "- {Name: Pay, CALL, End: true}", "- {Name: Pay, Type: Map, MaxConcurrency: 1, InputConstructor: {items: "+items(600)+
			"}, ItemsPath: $Input.items, Processor: {StartAt: P, States: [{Name: P, CALL, End: true}]}, End: true}", 1))
		w.tasks.on("P", sleeping(50*time.Millisecond, `{"n":1}`))
		d.start(f, "one")
		time.Sleep(5 * time.Second)
		o := w.outsider(nil, always)
		began := time.Now()
		id, err := o.Report(context.Background(), account, w.tasks.token("one", "Ask"), by("me"))
		w.told(f, "one", "me", id, err, "")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("after %v", took)
		}
		o = w.outsider(nil, always)
		if _, err := o.Stop(context.Background(), store.Partition(f.ID, "one"), nil); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		w.ended(f, "one", flow.Stopped, "")
		w.empty(f, "one")
	})
}

// TestChildsEndThroughInbox: the end of a child is a report like another: it loses, and its parent goes on.
func TestChildsEndThroughInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		child := w.flow("child", "- {Name: A, Type: Wait, Seconds: 5, Next: B}\n- {Name: B, Type: Pass, End: true}\n")
		parent := w.flow("parent", "- {Name: A, Type: Task, Action: 'FNF:StartExecution', TaskMode: WaitForSystemCallback, Parameters: {resourceArn: 'acs:fnf:::flow/child', executionName: c, input: {}}, End: true}\n")
		s := &slow{Driver: w.mem, err: store.ErrConflict}
		d := w.deploy(5*time.Minute, func(o *runner.Options) {
			o.Store = store.New(store.Options{Driver: s, TailBytes: 200})
		})
		d.start(parent, "one")
		time.Sleep(2 * time.Second)
		// Between the child's end and its callback: the parent's row is kept from whoever reports to it.
		var losses atomic.Int32
		w.hooks(func(op string, k store.Key) error {
			if op == memstore.OpCAS && k.Sort == "a" && k.Partition == store.Partition(parent.ID, "one") && losses.Add(1) <= 3 {
				return store.ErrConflict
			}
			return nil
		}, nil)
		var posted atomic.Int32
		w.mu.Lock()
		before := w.before
		w.before = func(op string, k store.Key) error {
			if op == memstore.OpCommit && store.IsLetter(k) {
				posted.Add(1)
			}
			return before(op, k)
		}
		w.mu.Unlock()
		time.Sleep(time.Minute)
		w.hooks(nil, nil)
		w.ended(child, "c", flow.Succeeded, "")
		w.ended(parent, "one", flow.Succeeded, "")
		w.empty(parent, "one")
		if n := posted.Load(); n != 1 {
			t.Errorf("%d letters", n)
		}
	})
}

// TestLetterOfClosedAttempt: what is in the inbox for an attempt that has timed out is dropped by the runner that finds
// it, and is not taken for the attempt that came after it. In the older language, where a token names the step, it is.
func TestLetterOfClosedAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		definition string
		entry      flow.EventType // whose id is in the token
		status     flow.Status
	}{
		"states": {"Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n- {Name: A, Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, " +
			"TaskMode: WaitForCustomCallback, Timeout: 5, Retry: [{Errors: [FnF.TaskTimeout], IntervalSeconds: 1, MaxAttempts: 1}], End: true}\n", flow.TaskScheduled, flow.Running},
		"steps": {"version: v1\ntype: flow\nsteps:\n- {type: task, name: A, resourceArn: 'acs:fc:::functions/f', pattern: waitForCallback, timeoutSeconds: 5, " +
			"retry: [{errors: [FnF.TaskTimeout], intervalSeconds: 1, maxAttempts: 1}]}\n", flow.StepEntered, flow.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.tasks.on("A", func(context.Context, task.Request) task.Result { return task.Result{Output: []byte(`{}`)} })
				d := w.deploy(5*time.Minute, nil)
				f := w.define("f", flow.Standard, c.definition)
				x := d.start(f, "one")
				time.Sleep(7 * time.Second)
				l := &store.Letter{Partition: x.Partition(), Run: x.Run, Mark: 1, Output: []byte(`{"left":1}`),
					Wake: time.Now().Add(time.Hour).UnixMilli(), Expires: x.Expires}
				for _, e := range w.history(f, "one") {
					if e.Type == c.entry && l.Token == 0 {
						l.Token = e.ID
					}
				}
				if n := w.count(f, "one", flow.TaskScheduled); n != 2 {
					t.Fatalf("%d attempts", n)
				}
				if err := w.store.Post(context.Background(), l); err != nil {
					t.Fatal(err)
				}
				if err := d.worker.Work(context.Background(), x.Partition()); err != nil {
					t.Error(err)
				}
				w.empty(f, "one")
				if x := w.load(f, "one"); x.Status != c.status {
					t.Errorf("%v %v", x.Status, x.Error)
				}
			})
		})
	}
}
