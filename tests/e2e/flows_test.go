// Package e2e_test runs the whole system: a server, its HTTP API, the client, and executions that
// wait, retry, are called back and end.
package e2e_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
	"millrace/tests/support/examples"
)

// TestExamples runs every example flow of both dialects, with every case, on a live server.
func TestExamples(t *testing.T) {
	examples.Each(t, func(t *testing.T, f *examples.File) {
		t.Parallel()
		l := open(t)
		for _, c := range f.Cases {
			t.Run(c.Name, func(t *testing.T) { l.runCase(t, f, c) })
		}
	})
}

func (l *liveServer) runCase(t *testing.T, f *examples.File, c flowtest.Case) {
	r, events := l.run(t, f.Definition, f.Mode, &c.Setup)
	judge(t, f.Definition, f.Machine.Dialect, &c.Setup, l.raw)
	for _, line := range compare(f.Machine, r, events, &c.Expect) {
		t.Error(line)
	}
}

// liveServer is a server with a clock that the test moves and tasks that mock runs.
type liveServer struct {
	app    *local.App
	client *client.Client
	clock  *clock
	mock   *mock
	raw    []client.Event // of the last run, with its tokens
}

// start is when each case begins, as in the flow tester.
var start = time.Date(2019, 5, 2, 15, 0, 0, 0, time.UTC)

func open(t *testing.T) *liveServer {
	t.Helper()
	l := &liveServer{clock: &clock{at: start}, mock: &mock{}}
	l.mock.begin(t, nil)
	var err error
	// One call at a time, so that outcomes are used in the order of the flow tester.
	l.app, err = local.Open(context.Background(), local.Config{Data: t.TempDir(), Tasks: l.mock,
		Now: l.clock.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(),
			&slog.HandlerOptions{Level: slog.LevelWarn})),
		Settings: config.Settings{Account: "1234567890123456", Region: "local", CallsPerRun: 1,
			SweepSeconds: 3600}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(l.app.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := l.app.Close(); err != nil {
			t.Error(err)
		}
	})
	if l.client, err = client.New(client.Options{Endpoint: server.URL}); err != nil {
		t.Fatal(err)
	}
	l.mock.client = l.client
	return l
}

// run runs a flow once. The flow exists for this run only.
func (l *liveServer) run(t *testing.T, definition, mode string,
	s *flowtest.Setup) (*flowtest.Result, []client.Event) {
	t.Helper()
	ctx := context.Background()
	l.clock.set(start)
	l.mock.begin(t, s.Tasks)
	if _, err := l.client.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: s.FlowName,
		Definition: definition, Type: "FDL",
		RoleArn: s.RoleArn, ExecutionMode: mode}); err != nil {
		t.Fatal(err)
	}
	defer l.client.DeleteFlow(ctx, s.FlowName)
	if _, err := l.client.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: s.FlowName,
		ExecutionName: s.ExecutionName,
		Input:         string(encode(s.Input))}); err != nil {
		t.Fatal(err)
	}
	x := l.end(t, s)
	return l.result(t, x, s)
}

// end moves the clock until the execution has ended: by a second at first, and by more the longer
// nothing happens.
func (l *liveServer) end(t *testing.T, s *flowtest.Setup) *client.Execution {
	t.Helper()
	ctx := context.Background()
	var quiet time.Duration
	last := int64(0)
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		x, err := l.client.DescribeExecution(ctx,
			cloudflow.DescribeExecutionRequest{FlowName: s.FlowName,
				ExecutionName: s.ExecutionName})
		if err != nil {
			t.Fatal(err)
		}
		if x.Status != "Running" {
			return x
		}
		if n := l.settled(t, s); n != last {
			last, quiet = n, 0
			continue
		}
		step := max(time.Second, (quiet / 64).Truncate(time.Second))
		quiet += step
		l.clock.add(step)
		if err := l.app.Engine().Sweep(ctx); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the execution does not end")
	return nil
}

// settled returns the number of events when no call or report is in flight and no more events
// arrive.
func (l *liveServer) settled(t *testing.T, s *flowtest.Setup) int64 {
	last := int64(-1)
	for {
		n := int64(len(l.history(t, s)))
		if n == last && l.mock.idle() {
			return n
		}
		last = n
		time.Sleep(200 * time.Microsecond)
	}
}

func (l *liveServer) history(t *testing.T, s *flowtest.Setup) []client.Event {
	t.Helper()
	var events []client.Event
	q := cloudflow.GetExecutionHistoryRequest{FlowName: s.FlowName, ExecutionName: s.ExecutionName}
	limit := int64(1000)
	q.Limit = &limit
	for {
		page, err := l.client.GetExecutionHistory(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, page.Events...)
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return events
		}
	}
}

// result builds the flow tester's result from the responses of the API.
func (l *liveServer) result(t *testing.T, x *client.Execution, s *flowtest.Setup) (*flowtest.Result,
	[]client.Event) {
	r := &flowtest.Result{}
	r.Status, _ = flow.ParseStatus(x.Status)
	if x.Output != "" {
		r.Output = decode(t, l.mock.masked(x.Output))
	}
	events := l.history(t, s)
	l.raw = slices.Clone(events)
	for i := range events {
		e := &events[i]
		if e.EventID != int64(i)+1 {
			t.Errorf("event %d has the id %d", i+1, e.EventID)
		}
		e.EventDetail = l.mock.masked(e.EventDetail)
	}
	l.visits(t, r, events)
	d, _ := decode(t, events[len(events)-1].EventDetail).(map[string]any)
	if name, ok := d["error"].(string); ok {
		cause, _ := d["cause"].(string)
		r.Error = &flow.Error{Name: name, Cause: cause}
	}
	l.mock.mu.Lock()
	r.Calls = append(r.Calls, l.mock.calls...)
	l.mock.mu.Unlock()
	for i := range r.Calls {
		c := &r.Calls[i]
		for _, v := range []*any{&c.Params, &c.Input} {
			if *v != nil {
				*v = decode(t, l.mock.masked(string(value.Encode(*v))))
			}
		}
	}
	return r, events
}

// visits finds the entries of states in a history.
func (l *liveServer) visits(t *testing.T, r *flowtest.Result, events []client.Event) {
	at := map[int64]int{} // entry by event
	open := func(e *client.Event) *flowtest.Entry {
		if i, ok := at[e.ScheduleEventID]; ok && r.Entries[i].State == e.StepName {
			at[e.EventID] = i
			return &r.Entries[i]
		}
		for i := len(r.Entries) - 1; i >= 0; i-- {
			if v := &r.Entries[i]; v.State == e.StepName && v.Output == nil && !v.Failed {
				at[e.EventID] = i
				return v
			}
		}
		t.Errorf("event %d %s of no entry of %s", e.EventID, e.Type, e.StepName)
		return &flowtest.Entry{}
	}
	for i := range events {
		e := &events[i]
		d, _ := decode(t, e.EventDetail).(map[string]any)
		switch e.Type {
		case "StateEntered", "StepEntered":
			r.Entries = append(r.Entries, flowtest.Entry{State: e.StepName})
			at[e.EventID] = len(r.Entries) - 1
		case "StateStarted", "StepStarted":
			open(e).Input = d["input"]
		case "StateSucceeded", "StepSucceeded":
			open(e).Output = d["output"]
		case "StateFailed", "StepFailed", "StateTimedOut", "StateAborted":
			open(e).Failed = true
		case "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskFailed",
			"TaskTimedOut", "TaskSubmitFailed":
			open(e)
		}
	}
}

// compare compares a run with its case. Where branches or iterations run concurrently, it ignores
// the order.
func compare(
	m *flow.Machine, r *flowtest.Result, events []client.Event, x *flowtest.Expect,
) []string {
	want := *x
	want.Waits, want.Events = nil, nil
	together := slices.ContainsFunc(m.Nodes, func(s *flow.State) bool {
		return s.Kind == flow.Parallel || s.Kind == flow.Map
	})
	if slices.ContainsFunc(m.Nodes, isDistributed) {
		want.States = nil // no event of the execution shows the states of a child
	}
	if together {
		want.Visited = slices.Sorted(slices.Values(x.Visited))
		if x.Visited == nil {
			want.Visited = nil
		}
		arrange(r, &want)
	}
	lines := flowtest.Check(m, r, &want)
	if !together {
		lines = append(lines, sameEvents(events, x.Events)...)
	}
	return lines
}

func isDistributed(s *flow.State) bool { return s.Map != nil && s.Map.Distributed != nil }

// arrange sorts what happened into the order of the case.
func arrange(r *flowtest.Result, x *flowtest.Expect) {
	for name, list := range x.States {
		r.Entries = matched(r.Entries, list, func(v flowtest.Entry) bool {
			return v.State == name
		}, func(v flowtest.Entry, w flowtest.StateExpect) bool {
			return (!w.HasInput || value.Equal(w.Input, v.Input)) &&
				(!w.HasOutput || value.Equal(w.Output, v.Output))
		})
	}
	if len(x.States) == 0 || x.Visited != nil {
		slices.SortStableFunc(r.Entries, func(a, b flowtest.Entry) int {
			return strings.Compare(a.State, b.State)
		})
	}
	for name, list := range x.Calls {
		r.Calls = matched(r.Calls, list, func(c flowtest.Call) bool {
			return c.State == name
		}, func(c flowtest.Call, w any) bool { return value.Equal(w, c.Params) })
	}
	for name, list := range x.Inputs {
		r.Calls = matched(r.Calls, list, func(c flowtest.Call) bool {
			return c.State == name
		}, func(c flowtest.Call, w any) bool { return value.Equal(w, c.Input) })
	}
}

// matched returns list with the elements of one state in the order of want, as far as they match.
func matched[E, W any](list []E, want []W, of func(E) bool, same func(E, W) bool) []E {
	var rest, ordered, others []E
	for _, e := range list {
		if of(e) {
			rest = append(rest, e)
		} else {
			others = append(others, e)
		}
	}
	for _, w := range want {
		if i := slices.IndexFunc(rest, func(e E) bool { return same(e, w) }); i >= 0 {
			ordered = append(ordered, rest[i])
			rest = slices.Delete(rest, i, i+1)
		}
	}
	return append(append(others, ordered...), rest...)
}

// sameEvents compares a history with that of the case, event by event.
func sameEvents(events []client.Event, want [][]any) []string {
	if want == nil {
		return nil
	}
	if len(events) != len(want) {
		return []string{"events: want " + value.FromInt(int64(len(want))).String() + ", got " +
			value.FromInt(int64(len(events))).String()}
	}
	for i, w := range want {
		e := &events[i]
		got := []any{value.FromInt(e.EventID), value.FromInt(e.ScheduleEventID), e.Type, e.StepName,
			e.EventDetail}
		if !value.Equal(w, got) {
			return []string{"event: want " + string(value.Encode(w)) + ", got " +
				string(value.Encode(got))}
		}
	}
	return nil
}
