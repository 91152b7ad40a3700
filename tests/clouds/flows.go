package clouds

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// The caller of all deployments, unless a test has others.
const (
	Account = "1234567890123456"
	KeyID   = "AKTEST"
	Secret  = "a-secret-of-the-tests"
	Callers = `{"accounts":[{"id":"` + Account + `","keys":[{"id":"` + KeyID + `","secret":"` +
		Secret + `"}]}]}`
)

// Flows controls the flows of a deployment for a test or a subtest. Errors fail that test.
type Flows struct {
	T       testing.TB
	Client  *client.Client
	Watcher *client.Client // reads executions
}

// Define creates a flow with the given states, a list in YAML. It starts with state A.
func (f *Flows) Define(name, states string) {
	f.T.Helper()
	f.DefineText(name,
		fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n%s",
			name, states))
}

// DefineText creates a flow with a definition.
func (f *Flows) DefineText(name, definition string) {
	f.T.Helper()
	if _, err := f.Client.CreateFlow(f.T.Context(), cloudflow.CreateFlowRequest{Name: name,
		Definition: definition, Type: "FDL"}); err != nil {
		f.T.Fatalf("%s: %v", name, err)
	}
}

// Start starts an execution.
func (f *Flows) Start(flow, name, input string) {
	f.T.Helper()
	if _, err := f.Client.StartExecution(f.T.Context(), cloudflow.StartExecutionRequest{
		FlowName: flow, ExecutionName: name, Input: input}); err != nil {
		f.T.Fatalf("%s of %s: %v", name, flow, err)
	}
}

// The pauses between two looks at an execution. A function's long poll looks once a second, which
// is long if time is skipped.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 300 * time.Millisecond
)

// Wait waits until an execution has ended, for at most timeout, and returns it.
func (f *Flows) Wait(flow, name string, timeout time.Duration) *client.Execution {
	f.T.Helper()
	pause := firstPause
	for end := time.Now().Add(timeout); ; pause = min(pause*3/2, lastPause) {
		x, err := f.Watcher.DescribeExecution(f.T.Context(), cloudflow.DescribeExecutionRequest{
			FlowName: flow, ExecutionName: name})
		if err != nil {
			f.T.Fatalf("%s of %s: %v", name, flow, err)
		}
		if x.Status != "Running" && x.Status != "Starting" {
			return x
		}
		if time.Now().After(end) {
			f.T.Fatalf("%s of %s still runs; history %v", name, flow, f.History(flow, name))
		}
		time.Sleep(pause)
	}
}

// endMax is how long an execution of a test may take.
const endMax = 5 * time.Minute

// Succeeded waits for an execution and checks its output.
func (f *Flows) Succeeded(flow, name, output string) {
	f.T.Helper()
	if x := f.Wait(flow, name, endMax); x.Status != "Succeeded" || x.Output != output {
		f.T.Errorf("%s of %s: %s %s, want %s; history %v", name, flow, x.Status, x.Output, output,
			f.History(flow, name))
	}
}

// Failed waits for an execution that must fail. An event of its history must name the error.
func (f *Flows) Failed(flow, name, errorName string) {
	f.T.Helper()
	if x := f.Wait(flow, name, endMax); x.Status != "Failed" {
		f.T.Errorf("%s of %s: %s %s", name, flow, x.Status, x.Output)
	}
	page, err := f.Watcher.GetExecutionHistory(f.T.Context(), cloudflow.GetExecutionHistoryRequest{
		FlowName: flow, ExecutionName: name})
	if err != nil {
		f.T.Fatal(err)
	}
	for _, e := range page.Events {
		if strings.Contains(e.EventDetail, errorName) {
			return
		}
	}
	f.T.Errorf("%s of %s did not fail with %s: %+v", name, flow, errorName, page.Events)
}

// History returns the types of the events in order. The events must be numbered without a gap.
func (f *Flows) History(flow, name string) []string {
	f.T.Helper()
	var types []string
	for _, e := range f.Events(flow, name) {
		if e.EventID != int64(len(types)+1) {
			f.T.Errorf("%s of %s: event %d has the id %d", name, flow, len(types)+1, e.EventID)
		}
		types = append(types, e.Type)
	}
	return types
}

// Events returns the whole history.
func (f *Flows) Events(flow, name string) []client.Event {
	f.T.Helper()
	var events []client.Event
	q := cloudflow.GetExecutionHistoryRequest{FlowName: flow, ExecutionName: name}
	for {
		page, err := f.Watcher.GetExecutionHistory(f.T.Context(), q)
		if err != nil {
			f.T.Fatalf("%s of %s: %v", name, flow, err)
		}
		events = append(events, page.Events...)
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return events
		}
	}
}
