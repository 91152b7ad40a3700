package engine_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
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

// TestReportAnswerLost: the commit of a report is applied and its response lost, once or each time
// it is tried. The caller gets success, with the event that is in the history; a second report is
// rejected.
func TestReportAnswerLost(t *testing.T) {
	for _, c := range []struct {
		name    string
		applied bool
		stop    bool
	}{{"report applied", true, false}, {"report not applied", false, false},
		{"stop applied", true, true}, {"stop not applied", false, true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				f := w.flow("f", oneWait)
				h := w.open(nil)
				h.start(f, "one")
				synctest.Wait()
				if c.applied {
					w.hooks(nil, once(memstore.OpCommit, "a", 1))
				} else {
					w.hooks(once(memstore.OpCAS, "a", 1), nil)
				}
				ctx, token := context.Background(), w.tasks.token("one", "A")
				if c.stop {
					x, err := h.Stop(ctx, store.Partition(f.ID, "one"),
						&flow.Error{Name: "E", Cause: "c"})
					if err != nil || x.Status != flow.Stopped {
						t.Fatalf("%v, %v", x, err)
					}
					w.checkEnded(f, "one", flow.Stopped, "")
					h.close()
					return
				}
				id, err := h.Report(ctx, account, token,
					engine.Report{Output: []byte(`{"by":"me"}`)})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				w.checkEnded(f, "one", flow.Succeeded, `{"by":"me"}`)
				if e := w.history(f, "one")[id-1]; e.Type != flow.TaskSucceeded {
					t.Errorf("told of event %d, a %v", id, e.Type)
				}
				_, err = h.Report(ctx, account, token,
					engine.Report{Output: []byte(`{"by":"another"}`)})
				if !errors.Is(err, engine.ErrTaskEnded) {
					t.Errorf("a second report: %v", err)
				}
				h.close()
			})
		})
	}
}

// TestReportLostAmongMany: between the lost response and the next read, more events are written
// than any limit on "recent" events would cover.
func TestReportLostAmongMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", `- Name: A
  Type: Parallel
  Branches:
  - StartAt: W
    States:
    - {Name: W, CALL, TaskMode: WaitForCustomCallback, Next: Many}
    - Name: Many
      Type: Map
      InputConstructor: {items: `+items(150)+`}
      ItemsPath: $Input.items
      Processor:
        StartAt: P
        States:
        - {Name: P, Type: Pass, Next: Q}
        - {Name: Q, Type: Pass, End: true}
      End: true
  - StartAt: L
    States:
    - {Name: L, CALL, TaskMode: WaitForCustomCallback, End: true}
  End: true
`)
		h, other := w.open(sharedStore), w.open(sharedStore)
		h.start(f, "one")
		synctest.Wait()
		lose := once(memstore.OpCommit, "a", 1)
		w.hooks(nil, func(op string, key driver.Key) error {
			err := lose(op, key)
			if err != nil {
				other.HandleHint(context.Background(), key.Partition)
			}
			return err
		})
		if _, err := h.Report(context.Background(), account, w.tasks.token("one", "W"),
			engine.Report{Output: []byte(`{}`)}); err != nil {
			t.Error(err)
		}
		w.hooks(nil, nil)
		synctest.Wait()
		if x := w.load(f, "one"); x.LastEvent < 400 || x.Status != flow.Running {
			t.Errorf("%d events, %v", x.LastEvent, x.Status)
		}
		if _, err := h.Report(context.Background(), account, w.tasks.token("one", "L"),
			engine.Report{Output: []byte(`{}`)}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, "")
		h.close()
		other.close()
	})
}

const branches = `- Name: A
  Type: Parallel
  Branches:
  - StartAt: Pay
    States:
    - {Name: Pay, CALL, End: true}
  - StartAt: Ask
    States:
    - {Name: Ask, CALL, TaskMode: WaitForCustomCallback, End: true}
  End: true
`

// TestResultSurvivesLostRaces: the state changes while a payment is made, so the commit of its
// result conflicts, or its response is lost. The payment is not repeated (R8).
func TestResultSurvivesLostRaces(t *testing.T) {
	for name, faults := range map[string]struct {
		before, after func(string, driver.Key) error
	}{
		"races":       {},
		"not applied": {before: once(memstore.OpCAS, "a", 1)},
		"applied":     {after: once(memstore.OpCommit, "a", 1)},
		"store away":  {before: unavailableFor(10 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				f := w.flow("f", branches)
				w.tasks.on("Pay", sleeping(time.Minute, `{"paid":true}`))
				h, other := w.open(sharedStore), w.open(sharedStore)
				h.start(f, "one")
				time.Sleep(59 * time.Second)
				synctest.Wait()
				if name == "races" {
					if _, err := other.Report(context.Background(), account,
						w.tasks.token("one", "Ask"),
						engine.Report{Output: []byte(`{"said":1}`)}); err != nil {
						t.Fatal(err)
					}
				} else {
					w.hooks(faults.before, faults.after)
				}
				time.Sleep(time.Minute)
				w.hooks(nil, nil)
				if name != "races" {
					if _, err := h.Report(context.Background(), account,
						w.tasks.token("one", "Ask"),
						engine.Report{Output: []byte(`{"said":1}`)}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				w.checkEnded(f, "one", flow.Succeeded,
					`{"Branch0":{"paid":true},"Branch1":{"said":1}}`)
				if n := w.tasks.called("Pay"); n != 1 {
					t.Errorf("paid %d times", n)
				}
				h.close()
				other.close()
			})
		})
	}
}

// unavailableFor returns a hook that fails every commit for a while, beginning with the first one.
func unavailableFor(d time.Duration) func(string, driver.Key) error {
	var mu sync.Mutex
	var until time.Time
	return func(op string, k driver.Key) error {
		mu.Lock()
		defer mu.Unlock()
		if op != memstore.OpCommit {
			return nil
		}
		if until.IsZero() {
			until = time.Now().Add(d)
		}
		if time.Now().Before(until) {
			return errUnknownOutcome
		}
		return nil
	}
}

// TestTwoRunners: two engines on one store, with racing results, reports and stops. Each accepted
// message counts once, a rejected one changes nothing, histories are gapless and a final status
// never changes.
func TestTwoRunners(t *testing.T) {
	for round := range 4 {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			f := w.flow("f", `- Name: A
  Type: Map
  InputConstructor: {items: `+items(12)+`}
  ItemsPath: $Input.items
  Processor:
    StartAt: Call
    States:
    - {Name: Call, CALL, Next: Ask}
    - {Name: Ask, CALL, TaskMode: WaitForCustomCallback, End: true}
  End: true
`)
			nodes := []*node{w.open(sharedStore), w.open(sharedStore)}
			r := &reporters{w: w, nodes: nodes, accepted: map[string]int{}, by: map[string]int64{}}
			w.tasks.on("Call", sleeping(50*time.Millisecond, `{}`))
			w.tasks.on("Ask", func(_ context.Context, q task.Request) task.Result {
				for i := range 3 {
					r.work.Go(func() { r.report(q.Token, i) })
				}
				return task.Result{Output: []byte(`{}`)}
			})
			for i := range 6 {
				nodes[i%2].start(f, fmt.Sprintf("e%d", i))
			}
			r.work.Go(func() {
				time.Sleep(time.Duration(20+30*round) * time.Millisecond)
				for i := range 3 {
					r.work.Go(func() { r.stop(f, fmt.Sprintf("e%d", i), i) })
					r.work.Go(func() { r.stop(f, fmt.Sprintf("e%d", i), i+1) })
				}
			})
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			r.work.Wait()
			r.check(f)
			for _, h := range nodes {
				h.close()
			}
		})
	}
}

// reporters report and stop, each through an engine of its own, and record the results.
type reporters struct {
	w        *harness
	nodes    []*node
	work     sync.WaitGroup
	mu       sync.Mutex
	accepted map[string]int   // successes, by token or name
	by       map[string]int64 // event returned, by token and reporter
}

func (r *reporters) report(token string, i int) {
	time.Sleep(time.Duration(i) * time.Millisecond)
	for {
		id, err := r.nodes[i%2].Report(context.Background(), account, token,
			engine.Report{Output: fmt.Appendf(nil, `{"by":%d}`, i)})
		switch err {
		case nil:
			r.mu.Lock()
			r.accepted[token]++
			r.by[token] = id
			r.mu.Unlock()
			return
		case engine.ErrTaskEnded:
			return
		case engine.ErrTaskNotReady:
			time.Sleep(10 * time.Millisecond)
		default:
			r.w.t.Errorf("report: %v", err)
			return
		}
	}
}

func (r *reporters) stop(f *store.Flow, name string, i int) {
	for {
		_, err := r.nodes[i%2].Stop(context.Background(), store.Partition(f.ID, name),
			&flow.Error{Name: "Stopped"})
		switch err {
		case nil:
			r.mu.Lock()
			r.accepted[name]++
			r.mu.Unlock()
			return
		case engine.ErrExecutionEnded:
			return
		case engine.ErrBusy:
			time.Sleep(10 * time.Millisecond)
		default:
			r.w.t.Errorf("stop: %v", err)
			return
		}
	}
}

func (r *reporters) check(f *store.Flow) {
	accepted := 0
	for i := range 6 {
		name := fmt.Sprintf("e%d", i)
		x := r.w.load(f, name)
		want := flow.Succeeded
		if r.accepted[name] > 0 {
			want = flow.Stopped
		}
		if x.Status != want || r.accepted[name] > 1 {
			r.w.t.Errorf("%s is %v, %d stops were accepted", name, x.Status, r.accepted[name])
		}
		for _, e := range r.w.history(f, name) {
			if e.Type == flow.TaskSucceeded && e.Output != nil &&
				strings.Contains(string(e.Output.Text()), "by") {
				accepted++
			}
		}
	}
	total := 0
	for token, n := range r.accepted {
		if len(token) < 4 {
			continue
		}
		if total++; n != 1 {
			r.w.t.Errorf("%d reports of one token were accepted", n)
		}
	}
	if total != accepted {
		r.w.t.Errorf("%d reports were accepted, the histories have %d", total, accepted)
	}
	if n := r.w.tasks.repeated(); n > 0 {
		r.w.t.Errorf("%d calls were made again although no engine died", n)
	}
}

// TestConflictForEver: a store that rejects every commit. Callers must retry, and nothing is lost.
func TestConflictForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait)
		h := w.open(nil)
		h.start(f, "one")
		synctest.Wait()
		w.hooks(func(op string, _ driver.Key) error {
			if op == memstore.OpCAS {
				return store.ErrConflict
			}
			return nil
		}, nil)
		ctx, token := context.Background(), w.tasks.token("one", "A")
		if _, err := h.Report(ctx, account, token,
			engine.Report{Output: []byte(`{}`)}); !errors.Is(err, engine.ErrTaskNotReady) {
			t.Errorf("report: %v", err)
		}
		if _, err := h.Stop(ctx, store.Partition(f.ID, "one"),
			nil); !errors.Is(err, engine.ErrBusy) {
			t.Errorf("stop: %v", err)
		}
		w.hooks(nil, nil)
		if _, err := h.Report(ctx, account, token,
			engine.Report{Output: []byte(`{"a":1}`)}); err != nil {
			t.Errorf("report: %v", err)
		}
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"a":1}`)
		h.close()
	})
}

// TestFull: a full disk is reported at once, and no loop retries it.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		h := w.open(nil)
		tried := 0
		w.hooks(func(op string, k driver.Key) error {
			if op == memstore.OpCommit && strings.HasPrefix(k.Partition, "x#") {
				tried++
				return store.ErrDiskFull
			}
			return nil
		}, nil)
		_, _, err := h.StartExecution(context.Background(), starting(f, "one"))
		if !errors.Is(err, store.ErrDiskFull) || tried != 1 {
			t.Errorf("%v after %d tries", err, tried)
		}
		h.close()
	})
}

// TestRejections: tokens that are invalid, that belong to other accounts, flows or executions, and
// tokens of tasks that do not wait.
func TestRejections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneWait)
		g := w.flow("g", oneTask)
		w.tasks.on("A", sleeping(time.Hour, `{}`))
		h := w.open(nil)
		h.start(f, "one")
		h.start(f, "two")
		h.start(g, "one")
		synctest.Wait()
		ctx := context.Background()
		token := w.tasks.token("two", "A")
		raw, _ := base64.StdEncoding.DecodeString(token)
		parts := strings.Split(string(raw), "#")
		mac, _ := base64.StdEncoding.DecodeString(parts[4])
		mac[7] ^= 1
		parts[4] = base64.StdEncoding.EncodeToString(mac)
		other := base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, "#")))
		for _, c := range []struct {
			account, token string
			want           error
		}{
			{account, "", engine.ErrToken}, {account, "?", engine.ErrToken},
			{account, strings.Repeat("A", 5000), engine.ErrToken},
			{"another", token, engine.ErrNoFlow}, {account, other, engine.ErrToken},
		} {
			if _, err := h.Report(ctx, c.account, c.token,
				engine.Report{Output: []byte(`{}`)}); !errors.Is(err, c.want) {
				t.Errorf("%.20s: %v, want %s", c.token, err, c.want)
			}
		}
		if _, err := h.Stop(ctx, store.Partition(f.ID, "none"), nil); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("stop of none: %v", err)
		}
		if w.load(f, "two").Status != flow.Running {
			t.Error("the execution has moved")
		}
		h.close()
	})
}
