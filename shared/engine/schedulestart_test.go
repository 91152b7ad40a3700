package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// TestScheduleRejected: a start that can never succeed is counted, and the schedule goes on.
func TestScheduleRejected(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(*engine.Options)
		before func(h *node, f *store.Flow)
		want   int64
	}{
		"the author has lost the right": {edit: func(o *engine.Options) {
			o.Rights = func(account, role, author string) (access.May, error) {
				if role != "" || author != "key" {
					return nil, fmt.Errorf("rights of %q %q were asked for", role, author)
				}
				return func(action, resource string) bool {
					if action != "fnf:StartExecution" ||
						resource != "acs:fnf:local:"+account+":flow/f" {
						t.Errorf("%s on %s", action, resource)
					}
					return time.Now().Minute() > 1
				}, nil
			}
		}, want: 1},
		"the author is gone": {edit: func(o *engine.Options) {
			o.Rights = func(string, string, string) (access.May, error) {
				if time.Now().Minute() > 1 {
					return nil, nil
				}
				return nil, errors.New("no such key")
			}
		}, want: 1},
		"the name is taken": {before: func(h *node, f *store.Flow) { h.start(f, "s-946684860") },
			want: 1},
		"the payload is too large now": {edit: func(o *engine.Options) { o.Limits.EventBytes = 20 },
			want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				f := w.flow("f", onePass)
				creator := w.open(nil)
				creator.schedule(f, "s", "0 1,2 0 * * *")
				creator.close()
				h := w.open(c.edit)
				if c.before != nil {
					c.before(h, f)
				}
				time.Sleep(10 * time.Minute)
				counts := h.ScheduleCounts()
				if counts.Rejected != c.want || counts.Started != 2-c.want || counts.Skipped != 0 {
					t.Errorf("%+v, want %d rejected", counts, c.want)
				}
			})
		})
	}
}

// TestScheduleWaitsForCapacity: with as many executions as the account may run, the start waits for
// one to end. The schedule can be deleted all the same.
func TestScheduleWaitsForCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(func(o *engine.Options) { o.Limits.Executions = 1 })
		h.CountingDone(true)
		f := w.flow("f", "- {Name: A, Type: Wait, Seconds: 150, End: true}\n")
		h.start(f, "first")
		h.schedule(f, "s", "0 1 0 * * *")
		time.Sleep(140 * time.Second)
		w.checkStarted(f, startOf("first", 0, 0)[:5]+" at 00:00:00.000")
		time.Sleep(3 * time.Minute)
		if got := w.started(f); len(got) != 2 || !strings.HasPrefix(got[1], "s-946684860 ") {
			t.Errorf("%q", got)
		}
		h.schedule(f, "blocked", "0 6 0 * * *")
		time.Sleep(time.Minute) // 06:20: it runs until 08:30
		h.schedule(f, "late", "0 8 0 * * *")
		h.schedule(f, "often", "5 * * * * *")
		time.Sleep(110 * time.Second) // 08:10: that of 07:05 is to be started, 08:05 has come
		for _, name := range []string{"late", "often"} {
			if err := h.service().DeleteSchedule(t.Context(), scheduleCaller,
				cloudflow.ScheduleRequest{FlowName: "f", ScheduleName: name}); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(10 * time.Minute)
		if got := w.started(f); len(got) != 3 || !strings.HasPrefix(got[2], "blocked-") {
			t.Errorf("%q", got)
		}
		if c := h.ScheduleCounts(); c.Started != 2 || c.Rejected != 3 {
			t.Errorf("%+v", c)
		}
	})
}

// TestScheduleNames: long names of schedules do not collide, and every name fits.
func TestScheduleNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h, f := w.open(nil), w.flow("f", onePass)
		long := strings.Repeat("s", 127)
		for _, name := range []string{long + "a", long + "b", long[:117], long[:118]} {
			h.schedule(f, name, "0 1 0 * * *")
		}
		time.Sleep(2 * time.Minute)
		names := map[string]bool{}
		for _, line := range w.started(f) {
			name := strings.Fields(line)[0]
			names[name] = true
			if !flow.ValidName(name) || !strings.HasSuffix(name, "-946684860") {
				t.Errorf("name %q", name)
			}
		}
		if len(names) != 4 || !names[long[:117]+"-946684860"] {
			t.Errorf("%d names: %v", len(names), names)
		}
	})
}

// TestScheduleNewer: a schedule that only a newer program understands is left as it is.
func TestScheduleNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h, f := w.open(nil), w.flow("f", onePass)
		h.schedule(f, "s", "0 1 0 * * *")
		key := store.ScheduleKey(f.ID, "s")
		s, err := w.store.GetSchedule(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		s.Expression = "0 1 0 L * *"
		if err := w.store.UpdateSchedule(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		after, err := w.store.GetSchedule(t.Context(), key)
		if err != nil || after.Next != s.Next || after.Version != s.Version {
			t.Errorf("%+v, %v", after, err)
		}
		err = h.updateSchedule(f, cloudflow.UpdateScheduleRequest{ScheduleName: "s"})
		if fault.CodeOf(err) != fault.InternalServerError {
			t.Error(err)
		}
	})
}
