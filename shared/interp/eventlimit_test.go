package interp_test

import (
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/tests/support/flowgen"
)

// closing reports whether an event is exempt from the limit because it closes an execution.
func closing(e *flow.HistoryEvent) bool {
	return e.Type == flow.StateAborted || e.Node < 0 && e.Type != flow.ExecutionStarted
}

// sameEvent reports whether two events are equal in everything that a limit must not change.
func sameEvent(a, b *flow.HistoryEvent) bool {
	return a.ID == b.ID && a.Type == b.Type && a.Node == b.Node && a.Schedule == b.Schedule &&
		a.Time == b.Time
}

// TestEventLimitIsExact: for any flow, an execution that needs no more events than the limit runs
// as if there were none. Any other execution fails, and exceeds the limit only by the events that
// close it.
func TestEventLimitIsExact(t *testing.T) {
	limited, dialects := 0, map[flow.Dialect]int{}
	for seed := range uint64(120) {
		g := flowgen.Generate(seed)
		m, _ := fdl.Parse([]byte(g.Definition), fdl.Options{Mode: flow.Standard})
		input, err := valueOf(g.Input)
		if m == nil || err != nil {
			t.Fatal(g.Definition)
		}
		limits := flow.DefaultLimits()
		limits.Events = 200
		run := func() *driver {
			return newDriver(t, m, limits, input, flowgen.NewMockTasks(seed), driveMode{}).run()
		}
		whole := run()
		if e := whole.state.Error; e != nil && e.Name == flow.ErrEventLimit {
			continue // a loop
		}
		all := len(whole.history)
		step := max(all/12, 1)
		for maxEvents := all; maxEvents > 0; maxEvents -= step {
			limits.Events = maxEvents
			d := run()
			k := 0
			for k < len(d.history) && k < all && sameEvent(&d.history[k], &whole.history[k]) {
				k++
			}
			if k == all && len(d.history) == all {
				if need := beforeClosing(whole.history); need > maxEvents {
					t.Errorf("seed %d, limit %d: %d events and those that close it\n%s", seed,
						maxEvents, need, g.Definition)
				}
				continue
			}
			if maxEvents >= all-1 {
				t.Errorf("seed %d, limit %d: %d events are not those of %d\n%s", seed, maxEvents,
					len(d.history), all, g.Definition)
			}
			limited++
			dialects[m.Dialect]++
			checkLimited(t, seed, maxEvents, k, d)
		}
	}
	if limited < 300 || len(dialects) != 2 {
		t.Errorf("the generated flows are too much alike: %d, %v", limited, dialects)
	}
}

// beforeClosing returns the number of events in a history before those that close it.
func beforeClosing(history []flow.HistoryEvent) int {
	n := len(history)
	for n > 0 && closing(&history[n-1]) {
		n--
	}
	return n
}

// checkLimited checks an execution that has reached its limit, and whose first k events are the
// same as without a limit.
func checkLimited(t *testing.T, seed uint64, maxEvents, k int, d *driver) {
	t.Helper()
	if e := d.state.Error; d.state.Status != flow.Failed || e == nil ||
		e.Name != flow.ErrEventLimit {
		t.Errorf("seed %d, limit %d: %v %v", seed, maxEvents, d.state.Status, e)
		return
	}
	if k > maxEvents {
		t.Errorf("seed %d, limit %d: %d events", seed, maxEvents, k)
	}
	for i := k; i < len(d.history); i++ {
		if !closing(&d.history[i]) {
			t.Errorf("seed %d, limit %d: event %d of %d is %v", seed, maxEvents, i+1,
				len(d.history), d.history[i].Type)
		}
	}
	d.checkHistory()
}

// TestEventLimitOfReports: messages must not exceed the limit either. It tests each kind, in both
// dialects.
func TestEventLimitOfReports(t *testing.T) {
	v1 := flowV1(`{type: task, name: a, resourceArn: 'acs:fc:::services/s/functions/f', pattern: waitForCallback}`)
	sm := stateMachine(fc("a", "TaskMode: WaitForCustomCallback, End: true"))
	for name, definition := range map[string]string{"FlowV1": v1, "StateMachine": sm} {
		r := newHarness(t, definition, `{}`)
		r.step(0)
		// TaskStarted is the last event; TaskSubmitted and TaskSucceeded follow a report.
		written := int(r.s.LastEvent)
		for _, c := range []struct {
			more int
			want flow.Status
		}{{1, flow.Failed}, {0, flow.Failed}, {2, flow.Failed}, {4, flow.Succeeded}} {
			r := newHarness(t, definition, `{}`)
			r.limits.Events = written + c.more
			fx := r.step(0)
			token, _ := interp.ParseToken(fx.Calls[0].Token)
			r.step(10, interp.Message{Kind: interp.TaskReported, TokenID: token.ID,
				Output: []byte(`{}`)})
			if r.s.Status != c.want {
				t.Errorf("%s, %d more: %v %v after %d events", name, c.more, r.s.Status, r.s.Error,
					r.s.LastEvent)
			}
			if e := r.s.Error; e != nil && e.Name != flow.ErrEventLimit {
				t.Errorf("%s, %d more: %v", name, c.more, e)
			}
			if n := beforeClosing(r.events); n > r.limits.Events {
				t.Errorf("%s, %d more: %d events at limit %d", name, c.more, n, r.limits.Events)
			}
		}
	}
}
