package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

var scheduleCaller = cloudflow.Caller{Account: account, Identity: "key", Region: "local"}

// schedule creates a schedule of a flow. A synctest bubble begins at midnight, 2000-01-01.
func (h *node) schedule(f *store.Flow, name, expression string) {
	h.w.t.Helper()
	_, err := h.service().CreateSchedule(context.Background(), scheduleCaller,
		cloudflow.CreateScheduleRequest{FlowName: f.Name, ScheduleName: name,
			CronExpression: expression, Payload: `{"n": 1}`})
	if err != nil {
		h.w.t.Fatal(err)
	}
}

func (h *node) updateSchedule(f *store.Flow, q cloudflow.UpdateScheduleRequest) error {
	q.FlowName = f.Name
	_, err := h.service().UpdateSchedule(context.Background(), scheduleCaller, q)
	return err
}

// started returns what a flow's schedules have started: the name of each and when it was started.
func (w *harness) started(f *store.Flow) []string {
	w.t.Helper()
	found, _, err := w.store.List(context.Background(),
		store.ListOptions{FlowID: f.ID, Shards: f.ListShards, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	list := []string{}
	for _, s := range found {
		x := w.load(f, s.Name)
		list = append(list, s.Name+" at "+time.UnixMilli(x.Started).UTC().Format("15:04:05.000"))
	}
	slices.Reverse(list)
	return list
}

func (w *harness) checkStarted(f *store.Flow, want ...string) {
	w.t.Helper()
	if got := w.started(f); !slices.Equal(got, want) {
		w.t.Errorf("started %q, want %q", got, want)
	}
}

// startOf returns what started returns for a planned time after midnight, started late.
func startOf(name string, planned, late time.Duration) string {
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(planned)
	return fmt.Sprintf("%s-%d at %s", name, at.Unix(), at.Add(late).Format("15:04:05.000"))
}

// TestSchedule: a schedule starts its flow at each planned second, with its input.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h, f := w.open(nil), w.flow("f", onePass)
		time.Sleep(700 * time.Millisecond)
		h.schedule(f, "s", "20 */2 * * * *")
		h.schedule(f, "e", "@every 3m")
		time.Sleep(6 * time.Minute)
		w.checkStarted(f, startOf("s", 20*time.Second, 0), startOf("s", 140*time.Second, 0),
			startOf("e", 3*time.Minute, 0), startOf("s", 260*time.Second, 0),
			startOf("e", 6*time.Minute, 0))
		x := w.load(f, "s-946684820")
		const input = `{"payload":{"n":1},"triggerName":"s","triggerTime":"2000-01-01T00:00:20Z"}`
		if string(x.Input) != input || x.CallbackBy != "" || x.Status != flow.Succeeded {
			t.Errorf("input %s, status %v", x.Input, x.Status)
		}
		if c := h.ScheduleCounts(); c.Started != 5 || c.Skipped+c.Rejected != 0 {
			t.Errorf("counts %+v", c)
		}
	})
}

// promptQueue loses hints with a delay.
type promptQueue struct{ queue.Sender }

func (q promptQueue) Send(ctx context.Context, hints ...queue.Hint) error {
	return q.Sender.Send(ctx, slices.DeleteFunc(slices.Clone(hints),
		func(h queue.Hint) bool { return h.Delay > 0 })...)
}

// TestScheduleSwept: if the hints that were sent ahead are lost, the sweeper has what is due
// started, in every topology.
func TestScheduleSwept(t *testing.T) {
	for _, topology := range []engine.Topology{engine.Embedded, engine.Servers, engine.Functions} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h := w.open(func(o *engine.Options) {
				if o.Topology = topology; topology == engine.Functions {
					o.Queue = promptQueue{o.Queue}
				} else {
					o.Queue = discardQueue{}
				}
			})
			f := w.flow("f", onePass)
			h.schedule(f, "s", "30 1,3 * * * *")
			time.Sleep(5 * time.Minute)
			w.checkStarted(f, startOf("s", 90*time.Second, 30*time.Second),
				startOf("s", 210*time.Second, 30*time.Second))
		})
	}
}

// TestScheduleHintsBackOff: while no step runner works, the sweeper of functions sends few hints
// for a due schedule.
func TestScheduleHintsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		q := &recordingQueue{}
		h := w.open(func(o *engine.Options) { o.Topology, o.Queue = engine.Functions, q })
		f := w.flow("f", onePass)
		h.schedule(f, "s", "0 0 1 * * *")
		time.Sleep(25*time.Hour + time.Second)
		h.close()
		if n := len(q.partitions); n < 25 || n > 80 ||
			q.partitions[n-1] != "d#"+f.ID+"#schedule#s" {
			t.Errorf("%d hints in a day, the last for %s", n, q.partitions[n-1])
		}
	})
}

// TestScheduleHinted: in functions, a hint alone starts what is due, to the millisecond. A hint
// that comes a little early is sent again.
func TestScheduleHinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h, f := w.open(func(o *engine.Options) { o.Topology = engine.Functions }),
			w.flow("f", onePass)
		h.schedule(f, "s", "30 1 * * * *")
		time.Sleep(88 * time.Second)
		hint := store.ScheduleHint(store.ScheduleKey(f.ID, "s"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := h.RunUntilIdle(ctx, hint); err != nil {
			t.Error(err)
		}
		w.checkStarted(f)
		time.Sleep(2*time.Second + 1)
		w.checkStarted(f, startOf("s", 90*time.Second, 0))
		if err := h.RunUntilIdle(ctx, hint); err != nil {
			t.Error(err)
		}
		for _, missing := range []string{"d#" + f.ID + "#schedule#none", "d#none#schedule#s"} {
			if err := h.HandleHint(t.Context(), missing); err != nil {
				t.Errorf("%s: %v", missing, err)
			}
		}
		w.checkStarted(f, startOf("s", 90*time.Second, 0))
	})
}

// TestScheduleCatchesUp: after an outage the latest planned time is started, if it is not longer
// past than the window; the others are counted as skipped.
func TestScheduleCatchesUp(t *testing.T) {
	for _, c := range []struct {
		expression string
		outage     time.Duration
		late       []string
		skipped    int64
	}{
		{"0 */10 * * * *", 35 * time.Minute, []string{startOf("s", 30*time.Minute, 5*time.Minute)}, 2},
		{"0 50 * * * *", 49 * time.Minute, []string{}, 0},
		{"0 10 0 * * *", 70 * time.Minute, []string{startOf("s", 10*time.Minute, time.Hour)}, 0},
		{"0 10 0 * * *", 70*time.Minute + 1, []string{startOf("s", 10*time.Minute, time.Hour)}, 0},
		{"0 10 0 * * *", 70*time.Minute + time.Millisecond, []string{}, 1},
		{"0 10,11 0 * * *", 71*time.Minute + time.Millisecond, []string{}, 2},
		{"@every 7m", 24 * time.Hour,
			[]string{startOf("s", 23*time.Hour+55*time.Minute, 5*time.Minute)}, 204},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h, f := w.open(nil), w.flow("f", onePass)
			h.schedule(f, "s", c.expression)
			h.close()
			time.Sleep(c.outage)
			h = w.open(nil)
			time.Sleep(time.Millisecond)
			w.checkStarted(f, c.late...)
			if n := h.ScheduleCounts(); n.Skipped != c.skipped || n.Rejected != 0 {
				t.Errorf("%s after %v: %+v, want %d skipped", c.expression, c.outage, n, c.skipped)
			}
		})
	}
}

// TestScheduleChanges: after a change is acknowledged, nothing of before is started; what was due
// before it is. A schedule that is enabled again or has another expression catches up with nothing.
func TestScheduleChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(func(o *engine.Options) { o.Queue = discardQueue{} }) // all is up to the sweeper
		f := w.flow("f", onePass)
		yes, no := true, false
		text := func(s string) *string { return &s }
		change := func(q cloudflow.UpdateScheduleRequest) {
			t.Helper()
			q.ScheduleName = "s"
			if err := h.updateSchedule(f, q); err != nil {
				t.Fatal(err)
			}
		}
		h.schedule(f, "s", "10 * * * * *")
		time.Sleep(15 * time.Second)
		change(cloudflow.UpdateScheduleRequest{Enable: &no}) // 00:15, five seconds after it was due
		due := startOf("s", 10*time.Second, 5*time.Second)
		w.checkStarted(f, due)
		time.Sleep(10 * time.Minute)
		w.checkStarted(f, due)
		change(cloudflow.UpdateScheduleRequest{Enable: &yes}) // 10:15
		time.Sleep(50 * time.Second)                          // 11:05, and a sweep at 11:00
		w.checkStarted(f, due)
		change(cloudflow.UpdateScheduleRequest{CronExpression: text("20 11 * * * *")})
		time.Sleep(10 * time.Second) // 11:15
		w.checkStarted(f, due)
		change(cloudflow.UpdateScheduleRequest{Description: text("other")})
		time.Sleep(5 * time.Second) // 11:20
		change(cloudflow.UpdateScheduleRequest{Payload: text("")})
		second := startOf("s", 11*time.Minute+20*time.Second, 0)
		w.checkStarted(f, due, second)
		change(cloudflow.UpdateScheduleRequest{CronExpression: text("30 11 * * * *")})
		time.Sleep(10 * time.Second) // 11:30
		if err := h.service().DeleteSchedule(t.Context(), scheduleCaller,
			cloudflow.ScheduleRequest{FlowName: "f", ScheduleName: "s"}); err != nil {
			t.Fatal(err)
		}
		third := startOf("s", 11*time.Minute+30*time.Second, 0)
		w.checkStarted(f, due, second, third)
		h.schedule(f, "s", "30 11 * * * *") // the same planned time of another schedule
		time.Sleep(10 * time.Minute)
		w.checkStarted(f, due, second, third)
		x := w.load(f, strings.Fields(third)[0])
		if !strings.Contains(string(x.Input), `"payload":{},`) {
			t.Errorf("input %s", x.Input)
		}
	})
}

// TestScheduleOfDeletedFlow: a schedule goes with its flow, whenever it was written.
func TestScheduleOfDeletedFlow(t *testing.T) {
	for _, expression := range []string{"0 * * * * *", "0 0 0 1 1 ?"} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h, f := w.open(nil), w.flow("f", onePass)
			h.schedule(f, "s", expression)
			key := store.ScheduleKey(f.ID, "s")
			written, err := w.store.GetSchedule(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			service := h.service()
			if err := service.DeleteFlow(t.Context(), scheduleCaller,
				cloudflow.DeleteFlowRequest{Name: "f"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) // flows of one moment have the same id here
			again := w.flow("f", onePass)
			time.Sleep(20 * time.Minute)
			absent := func() {
				t.Helper()
				if _, err := w.store.GetSchedule(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the schedule is left: %v", err)
				}
				w.checkStarted(again)
				w.checkStarted(f)
			}
			absent()
			// A creation that read the flow before it was deleted, and writes the schedule now.
			if err := w.store.CreateSchedule(t.Context(), written); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			absent()
		})
	}
}

// TestScheduleFlowIsChecked: a disabled schedule, too, is looked at once, and then never again.
func TestScheduleFlowIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h, f := w.open(nil), w.flow("f", onePass)
		no := false
		if _, err := h.service().CreateSchedule(t.Context(), scheduleCaller,
			cloudflow.CreateScheduleRequest{FlowName: "f", ScheduleName: "s",
				CronExpression: "@every 1m", Enable: &no}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		s, err := w.store.GetSchedule(t.Context(), store.ScheduleKey(f.ID, "s"))
		if err != nil || s.Wake() != 0 || s.Version != 2 {
			t.Errorf("%+v, %v", s, err)
		}
		w.checkStarted(f)
	})
}

// TestScheduleFaults: whichever operation of the store fails or loses its reply, each planned time
// is started once.
func TestScheduleFaults(t *testing.T) {
	failing := func(op string, n int32) func(string, driver.Key) error {
		var seen atomic.Int32
		return func(o string, k driver.Key) error {
			if o != op || !strings.HasPrefix(k.Partition, "d#") &&
				!strings.HasPrefix(k.Partition, "x#") {
				return nil
			}
			if seen.Add(1) == n {
				return errUnknownOutcome
			}
			return nil
		}
	}
	for n := int32(1); n <= 8; n++ {
		for _, op := range []string{"get", "commit"} {
			for _, after := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					w := newHarness(t)
					h, other, f := w.open(nil), w.open(nil), w.flow("f", onePass)
					h.schedule(f, "s", "0 1,2 0 * * *")
					time.Sleep(30 * time.Second)
					if hook := failing(op, n); after {
						w.hooks(nil, hook)
					} else {
						w.hooks(hook, nil)
					}
					time.Sleep(10 * time.Minute)
					w.hooks(nil, nil)
					var names []string
					for _, line := range w.started(f) {
						names = append(names, strings.Fields(line)[0])
					}
					if want := []string{"s-946684860", "s-946684920"}; !slices.Equal(names, want) {
						t.Errorf("%s %d, after %v: %v", op, n, after, names)
					}
					if a, b := h.ScheduleCounts(), other.ScheduleCounts(); a.Skipped+b.Skipped+
						a.Rejected+b.Rejected != 0 {
						t.Errorf("%s %d, after %v: %+v %+v", op, n, after, a, b)
					}
				})
			}
		}
	}
}
