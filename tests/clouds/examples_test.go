package clouds_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
	"millrace/tests/clouds"
	"millrace/tests/faults/versions"
	"millrace/tests/reference"
	"millrace/tests/support/examples"
)

// taskMock runs the tasks of cases, by flow and state.
type taskMock struct {
	client *client.Client
	busy   atomic.Int64 // calls and reports in progress

	mu    sync.Mutex
	cases map[string]*mockedCase
	locks map[string]*sync.Mutex // one case at a time for each flow name
}

type mockedCase struct {
	tasks map[string][]flowtest.Outcome
	used  map[string]int
	keys  map[string]flowtest.Outcome // a repeated call has the same result
}

func (h *taskMock) register(flow string, tasks map[string][]flowtest.Outcome) (end func()) {
	h.mu.Lock()
	lock := h.locks[flow]
	if lock == nil {
		lock = &sync.Mutex{}
		h.locks[flow] = lock
	}
	h.mu.Unlock()
	lock.Lock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cases[flow] = &mockedCase{tasks, map[string]int{}, map[string]flowtest.Outcome{}}
	return lock.Unlock
}

func (h *taskMock) outcome(flow, state, key string) (flowtest.Outcome, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.cases[flow]
	if p == nil || len(p.tasks[state]) == 0 {
		return flowtest.Outcome{}, false
	}
	if o, ok := p.keys[key]; ok {
		return o, true
	}
	list := p.tasks[state]
	o := list[min(p.used[state], len(list)-1)]
	p.used[state]++
	p.keys[key] = o
	return o, true
}

func encoded(v any) []byte {
	if v == nil {
		return []byte("{}")
	}
	return value.Encode(v)
}

// ServeHTTP runs one task as a mapped action.
func (h *taskMock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.busy.Add(1)
	defer h.busy.Add(-1)
	var q struct{ Flow, State, Key, Token, Mode string }
	json.NewDecoder(r.Body).Decode(&q)
	o, ok := h.outcome(q.Flow, q.State, q.Key)
	if !ok {
		o.Error = &flow.Error{Name: "NoOutcome", Cause: q.State}
	}
	if q.Mode == "WaitForCustomCallback" {
		h.busy.Add(1)
		go h.report(q.Token, o)
		w.Write(encoded(o.Return))
		return
	}
	if o.Error != nil {
		w.WriteHeader(http.StatusInternalServerError)
		w.Write(value.Encode(map[string]any{"errorType": o.Error.Name,
			"errorMessage": o.Error.Cause}))
		return
	}
	if out := o.Callback; out != nil && q.Mode == "WaitForSystemCallback" {
		w.Write(encoded(out))
		return
	}
	w.Write(encoded(o.Return))
}

func (h *taskMock) report(token string, o flowtest.Outcome) {
	defer h.busy.Add(-1)
	for range 1200 { // a minute
		var err error
		if o.Error != nil {
			q := cloudflow.ReportTaskFailedRequest{TaskToken: token, Error: o.Error.Name}
			if o.Error.Cause != "" {
				q.Cause = &o.Error.Cause
			}
			_, err = h.client.ReportTaskFailed(context.Background(), q)
		} else {
			out := o.Callback
			if out == nil {
				out = o.Return
			}
			_, err = h.client.ReportTaskSucceeded(context.Background(),
				cloudflow.ReportTaskSucceededRequest{TaskToken: token,
					Output: string(encoded(out))})
		}
		if fault.CodeOf(err) != fault.TaskInvalidState {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestExamples runs the cases of every example flow of both languages on each cloud. Some wait for
// hours: the clock skips waits as soon as nothing else is active.
func TestExamples(t *testing.T) { runExamples(t, nil) }

// TestVersions does the same with two versions of each function: this commit's and another
// commit's. Each event, request, hint and sweep goes to a random version.
func TestVersions(t *testing.T) { runExamples(t, versions.OtherCommit(t)) }

// runExamples runs the examples, together with another version if there is one.
func runExamples(t *testing.T, other *versions.Other) {
	t.Parallel()
	checkout, alone := "", false
	if other != nil {
		checkout, alone = other.Dir, !other.SameRows
	}
	onEachTarget(t, func(t *testing.T, at target) (options, *taskMock) {
		h := &taskMock{cases: map[string]*mockedCase{}, locks: map[string]*sync.Mutex{}}
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return options{apis: 8, skip: true, otherCheckout: checkout,
			busy: func() bool { return h.busy.Load() > 0 },
			env: []string{"MILLRACE_REGION=local", "MILLRACE_SETTINGS={CallsPerRun: 1, Tasks: '" +
				server.URL + "'}"}}, h
	}, func(t *testing.T, s *stack, h *taskMock) {
		if h.client = s.Client; alone { // a version neither shows nor reports to newer rows
			h.client = s.Watcher
		}
		ran := make(chan bool, 1000)
		t.Run("flows", func(t *testing.T) {
			examples.Each(t, func(t *testing.T, f *examples.File) {
				t.Parallel()
				h.runFile(t, s, f, ran)
			})
		})
		if n := len(ran); n < 101 {
			t.Errorf("only %d cases were run", n)
		}
		t.Logf("%d cases; %d invocations of the runner for them", len(ran), s.runs())
	})
}

func (h *taskMock) runFile(t *testing.T, s *stack, f *examples.File, ran chan<- bool) {
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) {
			c.Setup.Start = s.clock().Now().UnixMilli()
			want, err := flowtest.Execute(f.Machine, flow.DefaultLimits(), c.Setup)
			if err != nil {
				t.Fatal(err)
			}
			h.runCase(t, s, f, &c, want)
			ran <- true
		})
	}
}

// runCase runs a case and compares its end with that of the interpreter run straight through.
func (h *taskMock) runCase(t *testing.T, s *stack, f *examples.File, c *flowtest.Case,
	want *flowtest.Result) {
	setup := &c.Setup
	defer h.register(setup.FlowName, setup.Tasks)()
	ctx := t.Context()
	if _, err := h.client.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: setup.FlowName,
		Definition: f.Definition, Type: "FDL", RoleArn: setup.RoleArn,
		ExecutionMode: f.Mode}); err != nil {
		t.Fatal(err)
	}
	defer h.client.DeleteFlow(ctx, setup.FlowName)
	if _, err := s.Client.StartExecution(ctx, cloudflow.StartExecutionRequest{
		FlowName: setup.FlowName, ExecutionName: setup.ExecutionName,
		Input: string(encoded(setup.Input))}); err != nil {
		t.Fatal(err)
	}
	one := s.on(t)
	x := one.Wait(setup.FlowName, setup.ExecutionName, 3*time.Minute)
	if x.Status != want.Status.String() {
		t.Errorf("it ended as %s, want %v; %v", x.Status, want.Status,
			one.History(setup.FlowName, setup.ExecutionName))
	}
	h.judge(t, one, f, setup)
	if c.Expect.HasOutput && x.Output != "" {
		got, err := value.Decode([]byte(x.Output))
		if err != nil || !reflect.DeepEqual(got, c.Expect.Output) {
			t.Errorf("output %s, want %s", x.Output, value.Encode(c.Expect.Output))
		}
	}
}

// judge checks the history of a case that has ended, and ended once, against the reference.
func (h *taskMock) judge(t *testing.T, s *stack, f *examples.File, setup *flowtest.Setup) {
	t.Helper()
	view := *s.Flows
	view.Watcher = h.client
	events, ends := view.Events(setup.FlowName, setup.ExecutionName), 0
	for _, e := range events {
		if strings.HasPrefix(e.Type, "Execution") && e.Type != "ExecutionStarted" {
			ends++
		}
	}
	if ends != 1 {
		t.Errorf("it has ended %d times: %+v", ends, events)
	}
	context := reference.Context{Flow: setup.FlowName, Execution: setup.ExecutionName,
		Account: clouds.Account, Region: "local", RoleArn: setup.RoleArn}
	err := reference.CheckHistory(f.Definition, string(encoded(setup.Input)), context,
		f.Machine.Dialect == flow.FlowV1, events)
	if _, unjudged := err.(*reference.Unjudged); err != nil && !unjudged {
		t.Error(err)
	}
}
