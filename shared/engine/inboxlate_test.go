package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// TestInboxGivesUp: no engine handles the inbox. After five seconds the entry is retracted, and
// nothing has happened.
func TestInboxGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		f := w.flow("f", oneWait)
		d.start(f, "one")
		time.Sleep(time.Second)
		ctx, token := context.Background(), w.tasks.token("one", "A")
		o := w.newAcceptor(nil, always)
		for _, what := range []struct {
			want error
			do   func() error
		}{
			{engine.ErrTaskNotReady, func() error {
				_, err := o.Report(ctx, account, token, reportBy("me"))
				return err
			}},
			{engine.ErrBusy, func() error {
				_, err := o.Stop(ctx, store.Partition(f.ID, "one"), nil)
				return err
			}},
		} {
			began := time.Now()
			if err := what.do(); !errors.Is(err, what.want) {
				t.Errorf("told %v, want %s", err, what.want)
			}
			if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
				t.Errorf("after %v", took)
			}
			w.checkInboxEmpty(f, "one")
		}
		if x := w.load(f, "one"); x.Status != flow.Running || x.LastEvent != 6 {
			t.Errorf("%v, %d events", x.Status, x.LastEvent)
		}
		o.lose.Store(0)
		id, err := o.Report(ctx, account, token, reportBy("me"))
		w.checkReported(f, "one", "me", id, err, nil)
	})
}

// TestTwoInboxEntries: two callers report the same task, and both lose. The inbox has one place for
// them. One caller gets success; the other gets TaskAlreadyCompleted, but not before that is so. If
// no engine handles the inbox, both must retry.
func TestTwoInboxEntries(t *testing.T) {
	for _, applied := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			d := w.deploy(5*time.Minute, nil)
			f := w.flow("f", oneWait)
			d.start(f, "one")
			time.Sleep(time.Second)
			token := w.tasks.token("one", "A")
			var work sync.WaitGroup
			told := make([]error, 2)
			for i := range told {
				o := w.newAcceptor(nil, always)
				work.Go(func() {
					time.Sleep(time.Duration(i) * time.Second)
					id, err := o.Report(context.Background(), account, token,
						reportBy(fmt.Sprint(i)))
					if err == nil {
						w.checkReported(f, "one", fmt.Sprint(i), id, nil, nil)
					}
					told[i] = err
				})
			}
			time.Sleep(2 * time.Second)
			if n := len(w.inboxEntries(f, "one")); n != 1 {
				t.Errorf("the inbox holds %d entries, want 1", n)
			}
			if applied {
				if err := d.worker.RunUntilIdle(context.Background(),
					store.Partition(f.ID, "one")); err != nil {
					t.Error(err)
				}
			}
			work.Wait()
			want := []error{nil, engine.ErrTaskEnded}
			if !applied {
				want = []error{engine.ErrTaskNotReady, engine.ErrTaskNotReady}
			}
			if !slices.Equal(told, want) {
				t.Errorf("they were told %v, want %v", told, want)
			}
			w.checkInboxEmpty(f, "one")
		})
	}
}

// TestInboxEntryComesTooLate: while a report is in the inbox its attempt is closed: by a faster
// report, by a stop, by its timeout, by another branch that fails, or by the timeout of the
// execution. The report is rejected and has no effect.
func TestInboxEntryComesTooLate(t *testing.T) {
	const waits = "- {Name: A, CALL, TaskMode: WaitForCustomCallback, Timeout: 4, " +
		"Retry: [{Errors: [FnF.TaskTimeout], IntervalSeconds: 1, MaxAttempts: 1}], End: true}\n"
	for _, c := range []struct {
		name, states string
		close        func(w *harness, d *functions, f *store.Flow) error
		status       flow.Status
	}{
		{"another report", oneWait, func(w *harness, d *functions, _ *store.Flow) error {
			_, err := d.Report(context.Background(), account, w.tasks.token("one", "A"),
				reportBy("another"))
			return err
		}, flow.Succeeded},
		{"a stop", oneWait, func(_ *harness, d *functions, f *store.Flow) error {
			_, err := d.Stop(context.Background(), store.Partition(f.ID, "one"), nil)
			return err
		}, flow.Stopped},
		{"its timeout", waits, nil, flow.Running},
		{"another branch", strings.ReplaceAll(strings.ReplaceAll(branches, "Ask", "B"),
			"Name: B, CALL", "Name: B, CALL, Timeout: 600"), nil, flow.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				d := w.deploy(5*time.Minute, nil)
				w.tasks.on("Pay", func(ctx context.Context, q task.Request) task.Result {
					time.Sleep(3500 * time.Millisecond)
					return task.Fail("Broke", "on purpose")
				})
				f := w.flow("f", c.states)
				d.start(f, "one")
				time.Sleep(time.Second)
				token := w.tasks.token("one", "A") + w.tasks.token("one", "B")
				o := w.newAcceptor(nil, always)
				// Any other process that loads the execution would handle the entry.
				var held atomic.Bool
				w.hooks(func(op string, k driver.Key) error {
					if op == memstore.OpRange && k.Sort == "a" &&
						len(w.inboxEntries(f, "one")) > 0 && held.CompareAndSwap(false, true) {
						if err := w.mem.Delete(context.Background(),
							w.inboxEntries(f, "one")[0].Key, nil); err != nil {
							t.Error(err)
						}
					}
					return nil
				}, nil)
				done := make(chan error)
				go func() {
					_, err := o.Report(context.Background(), account, token, reportBy("late"))
					done <- err
				}()
				time.Sleep(time.Second)
				if len(w.inboxEntries(f, "one")) != 1 {
					t.Error("the inbox does not hold one entry")
				}
				if c.close != nil {
					if err := c.close(w, d, f); err != nil {
						t.Error(err)
					}
				}
				if err := <-done; !errors.Is(err, engine.ErrTaskEnded) {
					t.Errorf("told %v", err)
				}
				time.Sleep(1500 * time.Millisecond)
				if x := w.load(f, "one"); x.Status != c.status {
					t.Errorf("%v %v", x.Status, x.Error)
				}
				w.checkInboxEmpty(f, "one")
				for _, e := range w.history(f, "one") {
					if e.Output != nil && strings.Contains(string(e.Output.Text()), "late") {
						t.Errorf("event %d, %v, has the output of the inbox entry", e.ID, e.Type)
					}
				}
			})
		})
	}
}

// TestLeftInboxEntry: the process that enqueued an inbox entry dies at once, and its hint is lost.
// The sweeper has the entry handled, or deletes it if the execution has ended meanwhile. No
// topology leaves it.
func TestLeftInboxEntry(t *testing.T) {
	for name, open := range map[string]func(w *harness) *node{
		"functions": func(w *harness) *node { return w.deploy(5*time.Minute, nil).node },
		"servers":   func(w *harness) *node { return w.open(sharedStore) },
		"local":     func(w *harness) *node { return w.open(nil) },
	} {
		for _, ended := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", ended), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newHarness(t)
					h := open(w)
					f := w.flow("f", oneWait)
					x := h.start(f, "one")
					time.Sleep(time.Second)
					l := &store.InboxEntry{Partition: x.Partition(), Run: x.Run,
						Token: w.scheduledID(f, "one"), Mark: 77, Output: []byte(`{"left":1}`),
						Wake: time.Now().Add(30 * time.Second).UnixMilli(), Expires: x.Expires}
					if err := w.store.EnqueueInboxEntry(context.Background(), l); err != nil {
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
					w.checkEnded(f, "one", status, output)
					w.checkInboxEmpty(f, "one")
				})
			})
		}
	}
}

// TestInboxEntryOfAnotherRun: an inbox entry is for the run that it was written for, and for no run
// that has the name later.
func TestInboxEntryOfAnotherRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(sharedStore)
		f := w.flow("f", oneWait)
		x := h.start(f, "one")
		time.Sleep(time.Second)
		for i, l := range []*store.InboxEntry{
			{Partition: x.Partition(), Run: x.Run + 1, Token: w.scheduledID(f, "one")},
			{Partition: store.Partition(f.ID, "none"), Run: 5, Token: 3}} {
			l.Mark, l.Output, l.Wake, l.Expires = uint64(i+1), []byte(`{}`), time.Now().Add(
				30*time.Second).UnixMilli(), x.Expires
			if err := w.store.EnqueueInboxEntry(context.Background(), l); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.HandleHint(context.Background(), x.Partition()); err != nil {
			t.Error(err)
		}
		w.checkInboxEmpty(f, "one")
		time.Sleep(2 * time.Minute)
		w.checkInboxEmpty(f, "none")
		if x := w.load(f, "one"); x.Status != flow.Running {
			t.Errorf("%v", x.Status)
		}
	})
}

// TestInboxEntryBackoff: an inbox entry that cannot be handled is not retried at once: the sweeper
// comes back later and later, and the entry is handled once that is possible.
func TestInboxEntryBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(sharedStore)
		f := w.flow("f", oneWait)
		x := h.start(f, "one")
		time.Sleep(time.Second)
		l := &store.InboxEntry{Partition: x.Partition(), Run: x.Run, Token: w.scheduledID(f, "one"),
			Mark: 1, Output: []byte(`{"left":1}`),
			Wake: time.Now().Add(30 * time.Second).UnixMilli(), Expires: x.Expires}
		if err := w.store.EnqueueInboxEntry(context.Background(), l); err != nil {
			t.Fatal(err)
		}
		var off atomic.Bool
		off.Store(true)
		w.hooks(func(op string, k driver.Key) error {
			if op == memstore.OpCAS && k.Sort == "a" && off.Load() {
				return store.ErrConflict
			}
			return nil
		}, nil)
		time.Sleep(30*time.Minute + 10*time.Second)
		// After 1, 2, 4, 8 and 16 minutes.
		if rows := w.inboxEntries(f, "one"); len(rows) != 1 || rows[0].Version != 6 {
			t.Errorf("%v", rows)
		}
		off.Store(false)
		time.Sleep(time.Hour)
		w.checkEnded(f, "one", flow.Succeeded, `{"left":1}`)
		w.checkInboxEmpty(f, "one")
	})
}

// TestInboxEntryOfClosedAttempt: the engine that finds an inbox entry for an attempt that has timed
// out deletes it, and does not apply it to the next attempt. In FlowV1, where a token names the
// entry of the step, it does apply it.
func TestInboxEntryOfClosedAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		definition string
		entry      flow.EventType // whose id is in the token
		status     flow.Status
	}{
		"StateMachine": {
			"Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n" +
				"- {Name: A, Type: Task, Action: 'FC:InvokeFunction', " +
				"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, " +
				"TaskMode: WaitForCustomCallback, Timeout: 5, " +
				"Retry: [{Errors: [FnF.TaskTimeout], IntervalSeconds: 1, MaxAttempts: 1}], " +
				"End: true}\n", flow.TaskScheduled, flow.Running},
		"FlowV1": {
			"version: v1\ntype: flow\nsteps:\n- {type: task, name: A, " +
				"resourceArn: 'acs:fc:::functions/f', pattern: waitForCallback, " +
				"timeoutSeconds: 5, " +
				"retry: [{errors: [FnF.TaskTimeout], intervalSeconds: 1, maxAttempts: 1}]}\n",
			flow.StepEntered, flow.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				w.tasks.on("A", func(context.Context, task.Request) task.Result {
					return task.Result{Output: []byte(`{}`)}
				})
				d := w.deploy(5*time.Minute, nil)
				f := w.define("f", flow.Standard, c.definition)
				x := d.start(f, "one")
				time.Sleep(7 * time.Second)
				l := &store.InboxEntry{Partition: x.Partition(), Run: x.Run, Mark: 1,
					Output: []byte(`{"left":1}`),
					Wake:   time.Now().Add(time.Hour).UnixMilli(), Expires: x.Expires}
				for _, e := range w.history(f, "one") {
					if e.Type == c.entry && l.Token == 0 {
						l.Token = e.ID
					}
				}
				if n := w.count(f, "one", flow.TaskScheduled); n != 2 {
					t.Fatalf("%d attempts", n)
				}
				if err := w.store.EnqueueInboxEntry(context.Background(), l); err != nil {
					t.Fatal(err)
				}
				if err := d.worker.RunUntilIdle(context.Background(), x.Partition()); err != nil {
					t.Error(err)
				}
				w.checkInboxEmpty(f, "one")
				if x := w.load(f, "one"); x.Status != c.status {
					t.Errorf("%v %v", x.Status, x.Error)
				}
			})
		})
	}
}
