package cloudflow_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// bulkHarness is a service over a store in memory, with the flow f, whose executions wait for five
// minutes unless their input is {"end":true}, and a clock that the test sets.
type bulkHarness struct {
	*cloudflow.Service
	t     *testing.T
	store *store.Store
	now   time.Time
	may   access.May // of the key
}

func newBulkHarness(t *testing.T) *bulkHarness {
	h := &bulkHarness{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 5e6, time.UTC)}
	clock := func() time.Time { return h.now }
	h.store = store.New(store.Options{Driver: memstore.New(), Now: clock})
	limits := flow.DefaultLimits()
	e := engine.New(engine.Options{Store: h.store, Now: clock, Limits: limits, Region: "cn",
		Topology: engine.Embedded, Queue: memqueue.New(memqueue.Options{}),
		Compile: func(text, mode string) (*flow.Machine, error) {
			m, _ := fdl.Parse([]byte(text), fdl.Options{Mode: mode, Limits: limits})
			return m, nil
		},
		Rights: func(account, role, author string) (access.May, error) {
			if author != owner.Identity {
				return nil, errors.New("no such key")
			}
			return h.may, nil
		}})
	t.Cleanup(func() { e.Close(t.Context()) })
	h.Service = cloudflow.New(cloudflow.Options{Store: h.store, Limits: limits, Now: clock,
		Engine: e, Region: "cn"})
	if _, err := h.CreateFlow(t.Context(), owner, cloudflow.CreateFlowRequest{Name: "f",
		Definition: "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: C\nStates:\n" +
			"- {Name: C, Type: Choice, Branches: [{Condition: $Input.end == true, Next: E}], " +
			"Default: W}\n- {Name: W, Type: Wait, Seconds: 300, Next: E}\n" +
			"- {Name: E, Type: Succeed}\n"}); err != nil {
		t.Fatal(err)
	}
	return h
}

// start starts executions, a second after each other.
func (h *bulkHarness) start(input string, names ...string) {
	h.t.Helper()
	for _, name := range names {
		if _, err := h.StartExecution(h.t.Context(), owner, cloudflow.StartExecutionRequest{
			FlowName: "f", ExecutionName: name, Input: input}); err != nil {
			h.t.Fatal(err)
		}
		h.pass(time.Second)
	}
}

func (h *bulkHarness) create(q cloudflow.CreateBulkOperationRequest) *cloudflow.BulkOperation {
	h.t.Helper()
	q.FlowName = "f"
	b, err := h.CreateBulkOperation(h.t.Context(), owner, q)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// pass lets time pass.
func (h *bulkHarness) pass(d time.Duration) { h.now = h.now.Add(d) }

// wake has a bulk operation looked at.
func (h *bulkHarness) wake(name string) {
	h.t.Helper()
	f, err := h.store.GetFlow(h.t.Context(), owner.Account, "f")
	if err == nil {
		err = h.Engine.HandleHint(h.t.Context(), store.BulkKey(f.ID, name).Partition)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// finish wakes a bulk operation every second until it has a status.
func (h *bulkHarness) finish(name, status string) *cloudflow.BulkOperation {
	h.t.Helper()
	for range 500 {
		h.wake(name)
		b, err := h.DescribeBulkOperation(h.t.Context(), owner,
			cloudflow.BulkOperationRequest{FlowName: "f", BulkName: name})
		if err != nil {
			h.t.Fatal(err)
		} else if b.Status == status {
			return b
		}
		h.pass(time.Second)
	}
	h.t.Fatalf("%s is never %s", name, status)
	return nil
}

// results returns the results, each as "name code started status".
func (h *bulkHarness) results(name string) (texts []string) {
	h.t.Helper()
	q := cloudflow.ListBulkResultsRequest{FlowName: "f", BulkName: name, Limit: new(int64)}
	*q.Limit = 2
	for {
		page, err := h.ListBulkResults(h.t.Context(), owner, q)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, r := range page.Results {
			started, _, _ := strings.Cut(r.StartedExecutionName, "-")
			texts = append(texts, strings.Join([]string{r.ExecutionName, r.ErrorCode, started,
				r.Status}, " "))
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return texts
		}
	}
}

func sameTexts(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%q, want\n%q", what, got, want)
	}
}

// TestBulkStop: named executions get a result each, whatever they are.
func TestBulkStop(t *testing.T) {
	h := newBulkHarness(t)
	h.start(`{"end":false}`, "a", "b", "c")
	h.start(`{"end":true}`, "d")
	b := h.create(cloudflow.CreateBulkOperationRequest{Operation: "StopExecution", BulkName: "s",
		ExecutionNames: `["d","a","b","none","a"]`, Reason: "why"})
	if b.Status != "Running" || b.CreatedBy != owner.Identity || b.AppliesTo != "" {
		t.Errorf("%+v", b)
	}
	b = h.finish("s", "Completed")
	if b.Counts != (cloudflow.BulkCounts{Accepted: 2, Rejected: 2, Stopped: 2}) {
		t.Errorf("%+v", b.Counts)
	}
	sameTexts(t, "results", h.results("s"), "a   Stopped", "b   Stopped",
		"d ExecutionAlreadyCompleted  ", "none ExecutionNotExists  ")
	for name, want := range map[string]string{"a": "Stopped", "c": "Running", "d": "Succeeded"} {
		x, err := h.DescribeExecution(t.Context(), owner, cloudflow.DescribeExecutionRequest{
			FlowName: "f", ExecutionName: name})
		if err != nil || x.Status != want {
			t.Errorf("%s: %+v %v", name, x, err)
		}
	}
	events, err := h.GetExecutionHistory(t.Context(), owner, cloudflow.GetExecutionHistoryRequest{
		FlowName: "f", ExecutionName: "a"})
	if err != nil || !strings.Contains(events.Events[len(events.Events)-1].Detail, `"why"`) {
		t.Errorf("%+v %v", events, err)
	}
	h.pass(91 * 24 * time.Hour)
	h.wake("s")
	_, err = h.DescribeBulkOperation(t.Context(), owner,
		cloudflow.BulkOperationRequest{FlowName: "f", BulkName: "s"})
	is(t, "after the retention", err, fault.BulkNotExists)
}

// TestBulkFilter: a filter takes those that the operation applies to, none that were started after
// the operation was created, at the rate.
func TestBulkFilter(t *testing.T) {
	h := newBulkHarness(t)
	for i := range 12 {
		h.start(`{"end":false}`, fmt.Sprintf("a%02d", i))
	}
	h.start(`{"end":true}`, "a-ended")
	h.start(`{"end":false}`, "b")
	yes := true
	dry := h.create(cloudflow.CreateBulkOperationRequest{Operation: "StopExecution",
		ExecutionNamePrefix: "a", DryRun: &yes})
	if dry.DryRun.Matches != 12 || dry.DryRun.More || len(dry.DryRun.Samples) != 10 ||
		dry.DryRun.Samples[0] != "a11" || dry.Status != "" ||
		dry.AppliesTo != "executions that run" {
		t.Errorf("%+v %+v", dry, dry.DryRun)
	}
	rate := int64(5)
	h.create(cloudflow.CreateBulkOperationRequest{Operation: "StopExecution", BulkName: "s",
		ExecutionNamePrefix: "a", Rate: &rate})
	h.start(`{"end":false}`, "a-later")
	for i, want := range []int64{4, 4, 9, 12} { // the second look comes too early; one has ended
		if i != 1 {
			h.pass(time.Second)
		}
		h.wake("s")
		b, err := h.DescribeBulkOperation(t.Context(), owner,
			cloudflow.BulkOperationRequest{FlowName: "f", BulkName: "s"})
		if err != nil || b.Counts.Accepted != want {
			t.Errorf("look %d: %+v %v", i, b, err)
		}
	}
	if b := h.finish("s", "Completed"); b.Counts.Stopped != 12 || b.Counts.Rejected != 0 {
		t.Errorf("%+v", b)
	}
	x, err := h.DescribeExecution(t.Context(), owner, cloudflow.DescribeExecutionRequest{
		FlowName: "f", ExecutionName: "a-later"})
	if err != nil || x.Status != "Running" {
		t.Errorf("%+v %v", x, err)
	}
}

// TestBulkStartAgain: each execution is started again once, with its input, and the operation shows
// how the new ones end.
func TestBulkStartAgain(t *testing.T) {
	h := newBulkHarness(t)
	h.start(`{"end":true,"n":1}`, "a")
	h.start(`{"end":false}`, "b", "c")
	if _, err := h.StopExecution(t.Context(), owner, cloudflow.StopExecutionRequest{FlowName: "f",
		ExecutionName: "b"}); err != nil {
		t.Fatal(err)
	}
	h.create(cloudflow.CreateBulkOperationRequest{Operation: "StartExecution", BulkName: "again",
		ExecutionNames: `["a","b","c"]`})
	h.finish("again", "Waiting")
	h.wake("again")
	sameTexts(t, "results", h.results("again"), "a  a Succeeded", "b  b ", "c InvalidArgument  ")
	if b := h.finish("again", "Waiting"); b.Counts.Running != 1 || b.StoppedTime != 0 {
		t.Errorf("%+v", b)
	}
	page, err := h.ListBulkResults(t.Context(), owner,
		cloudflow.ListBulkResultsRequest{FlowName: "f", BulkName: "again"})
	if err != nil {
		t.Fatal(err)
	}
	one, err := h.DescribeExecution(t.Context(), owner, cloudflow.DescribeExecutionRequest{
		FlowName: "f", ExecutionName: page.Results[0].StartedExecutionName})
	if err != nil || one.Input != `{"end":true,"n":1}` {
		t.Errorf("%+v %v", one, err)
	}
	if _, err := h.StopExecution(t.Context(), owner, cloudflow.StopExecutionRequest{FlowName: "f",
		ExecutionName: page.Results[1].StartedExecutionName}); err != nil {
		t.Fatal(err)
	}
	b := h.finish("again", "Completed")
	if b.Counts != (cloudflow.BulkCounts{Accepted: 2, Rejected: 1, Succeeded: 1, Stopped: 1}) ||
		b.StoppedTime == 0 {
		t.Errorf("%+v", b)
	}
}

// TestBulkRedrive: what did not succeed is redriven once, and the operation waits for its end.
func TestBulkRedrive(t *testing.T) {
	h := newBulkHarness(t)
	h.start(`{"end":true}`, "a")
	h.start(`{"end":false}`, "b", "c")
	stop := func(name string) {
		t.Helper()
		if _, err := h.StopExecution(t.Context(), owner, cloudflow.StopExecutionRequest{
			FlowName: "f", ExecutionName: name}); err != nil {
			t.Fatal(err)
		}
	}
	stop("b")
	h.create(cloudflow.CreateBulkOperationRequest{Operation: "RedriveExecution", BulkName: "r",
		ExecutionNames: `["a","b","c"]`})
	h.finish("r", "Waiting")
	sameTexts(t, "results", h.results("r"), "a ExecutionNotRedrivable  ", "b   ",
		"c ExecutionNotRedrivable  ")
	stop("b")
	if b := h.finish("r", "Completed"); b.Counts != (cloudflow.BulkCounts{Accepted: 1, Rejected: 2,
		Stopped: 1}) {
		t.Errorf("%+v", b.Counts)
	}
}

// TestBulkDelete: what has ended is deleted, and what runs is not.
func TestBulkDelete(t *testing.T) {
	h := newBulkHarness(t)
	h.start(`{"end":true}`, "a", "b")
	h.start(`{"end":false}`, "c")
	h.create(cloudflow.CreateBulkOperationRequest{Operation: "DeleteExecution", BulkName: "d",
		ExecutionNames: `["a","c"]`})
	h.create(cloudflow.CreateBulkOperationRequest{Operation: "DeleteExecution", BulkName: "e",
		ExecutionNamePrefix: "b"})
	h.finish("d", "Completed")
	h.finish("e", "Completed")
	sameTexts(t, "results", append(h.results("d"), h.results("e")...), "a   Succeeded",
		"c ExecutionNotCompleted  ", "b   Succeeded")
	for name, want := range map[string]fault.Code{"a": fault.ExecutionNotExists,
		"b": fault.ExecutionNotExists, "c": ""} {
		_, err := h.DescribeExecution(t.Context(), owner, cloudflow.DescribeExecutionRequest{
			FlowName: "f", ExecutionName: name})
		is(t, name, err, want)
	}
}

// TestBulkRights: the author's rights are asked when the operation acts.
func TestBulkRights(t *testing.T) {
	h := newBulkHarness(t)
	h.start(`{"end":false}`, "a", "b", "c", "d")
	rate := int64(2)
	h.create(cloudflow.CreateBulkOperationRequest{Operation: "StopExecution", BulkName: "s",
		Status: "Running", Rate: &rate})
	h.wake("s")
	h.may = func(string, string) bool { return false }
	b := h.finish("s", "Completed")
	if b.Counts != (cloudflow.BulkCounts{Accepted: 2, Rejected: 2, Stopped: 2}) {
		t.Errorf("%+v", b.Counts)
	}
	sameTexts(t, "results", h.results("s"), "a AccessDenied  ", "b AccessDenied  ", "c   Stopped",
		"d   Stopped")

	none := owner
	for _, denied := range []string{"fnf:StopExecution", "fnf:ListExecutions"} {
		none.May = func(action, _ string) bool { return action != denied }
		_, err := h.CreateBulkOperation(t.Context(), none, cloudflow.CreateBulkOperationRequest{
			FlowName: "f", Operation: "StopExecution", Status: "Running"})
		is(t, "without "+denied, err, fault.AccessDenied, denied)
	}
}

// TestBulkCancelled: a request ends an operation after what it has taken.
func TestBulkCancelled(t *testing.T) {
	h := newBulkHarness(t)
	h.start(`{"end":false}`, "a", "b", "c", "d")
	rate := int64(1)
	h.create(cloudflow.CreateBulkOperationRequest{Operation: "StopExecution", BulkName: "s",
		Status: "Running", Rate: &rate})
	h.wake("s")
	named := cloudflow.BulkOperationRequest{FlowName: "f", BulkName: "s"}
	for range 2 {
		if _, err := h.StopBulkOperation(t.Context(), owner, named); err != nil {
			t.Fatal(err)
		}
	}
	b := h.finish("s", "Stopped")
	if b.Counts != (cloudflow.BulkCounts{Accepted: 1, Stopped: 1}) {
		t.Errorf("%+v", b.Counts)
	}
	list, err := h.ListBulkOperations(t.Context(), owner, cloudflow.ListOfFlowRequest{FlowName: "f"})
	if err != nil || len(list.Operations) != 1 || list.Operations[0] != *b {
		t.Errorf("%+v %v", list, err)
	}
}

// TestBulkRequests: what is wrong is rejected; what is repeated changes nothing.
func TestBulkRequests(t *testing.T) {
	h := newBulkHarness(t)
	zero, huge := int64(0), int64(1001)
	stop := func(q cloudflow.CreateBulkOperationRequest) cloudflow.CreateBulkOperationRequest {
		q.FlowName = "f"
		if q.Operation == "" {
			q.Operation = "StopExecution"
		}
		return q
	}
	for text, q := range map[string]cloudflow.CreateBulkOperationRequest{
		"which executions": {}, "exclude each other": {Status: "Running", ExecutionNames: `["a"]`},
		"Status Failed selects none":   {Status: "Failed"},
		"Status Starting selects none": {Status: "Starting"},
		"ExecutionNames must be like":  {ExecutionNames: "a"},
		"1 to 500":                     {ExecutionNames: "[]"},
		"is invalid":                   {ExecutionNames: `["a/b"]`},
		"must be one of":               {Operation: "DescribeExecution", Status: "Running"},
		"Rate must be":                 {Status: "Running", Rate: &zero},
		"Rate must be from 1":          {Status: "Running", Rate: &huge},
		"BulkName":                     {Status: "Running", BulkName: "a b"},
		"Reason must have":             {Status: "Running", Reason: strings.Repeat("x", 4097)},
		"StartedTimeBegin":             {StartedTimeBegin: "yesterday"},
	} {
		_, err := h.CreateBulkOperation(t.Context(), owner, stop(q))
		is(t, text, err, fault.InvalidArgument, text)
	}
	first := h.create(cloudflow.CreateBulkOperationRequest{Operation: "StopExecution",
		BulkName: "s", Status: "Running"})
	h.pass(time.Hour)
	second := h.create(cloudflow.CreateBulkOperationRequest{Operation: "StopExecution",
		BulkName: "s", Status: "Running"})
	if *first != *second {
		t.Errorf("%+v, repeated %+v", first, second)
	}
	other := owner
	other.Identity = "other"
	for name, c := range map[string]cloudflow.Caller{"another filter": owner, "another key": other} {
		q := stop(cloudflow.CreateBulkOperationRequest{BulkName: "s", Status: "Running"})
		if name == "another filter" {
			q.ExecutionNamePrefix = "x"
		}
		_, err := h.CreateBulkOperation(t.Context(), c, q)
		is(t, name, err, fault.BulkAlreadyExists)
	}
	if err := h.DeleteFlow(t.Context(), owner, cloudflow.DeleteFlowRequest{Name: "f"}); err != nil {
		t.Fatal(err)
	}
}
