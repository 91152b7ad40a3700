package fc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc"
)

// On is the stack as a part of a test has it: what goes wrong is that part's fault.
func (s *Stack) On(t testing.TB) *View { return &View{s, t} }

// View is a stack for a part of a test.
type View struct {
	*Stack
	t testing.TB
}

// Define creates a flow of the states given, a list in YAML; it starts with A.
func (v *View) Define(name, states string) {
	v.t.Helper()
	v.DefineText(name, fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n%s", name, states))
}

// DefineText creates a flow of a definition.
func (v *View) DefineText(name, definition string) {
	v.t.Helper()
	if _, err := v.Client.CreateFlow(v.t.Context(), cloudflow.CreateFlowRequest{Name: name, Definition: definition, Type: "FDL"}); err != nil {
		v.t.Fatalf("%s: %v", name, err)
	}
}

// Start starts an execution.
func (v *View) Start(flow, name, input string) {
	v.t.Helper()
	if _, err := v.Client.StartExecution(v.t.Context(), cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name, Input: input}); err != nil {
		v.t.Fatalf("%s: %v", flow, err)
	}
}

// Wait gives an execution once it has ended.
func (v *View) Wait(flow, name string) *rpc.Execution {
	v.t.Helper()
	seconds := int64(20)
	for end := time.Now().Add(time.Minute); ; {
		x, err := v.Client.DescribeExecution(v.t.Context(), cloudflow.DescribeExecutionRequest{FlowName: flow, ExecutionName: name, WaitTimeSeconds: &seconds})
		if err != nil {
			v.t.Fatalf("%s: %v", flow, err)
		}
		if x.Status != "Running" && x.Status != "Starting" {
			return x
		}
		if time.Now().After(end) {
			v.t.Fatalf("%s of %s still runs; history %v", name, flow, v.History(flow, name))
		}
	}
}

// Succeeded waits for an execution and checks its output.
func (v *View) Succeeded(flow, name, output string) {
	v.t.Helper()
	if x := v.Wait(flow, name); x.Status != "Succeeded" || x.Output != output {
		v.t.Errorf("%s of %s: %s %s, want %s; history %v", name, flow, x.Status, x.Output, output, v.History(flow, name))
	}
}

// Failed waits for an execution that fails, and gives the last events of its history.
func (v *View) Failed(flow, name, errorName string) {
	v.t.Helper()
	if x := v.Wait(flow, name); x.Status != "Failed" {
		v.t.Errorf("%s of %s: %s %s", name, flow, x.Status, x.Output)
	}
	page, err := v.Client.GetExecutionHistory(v.t.Context(), cloudflow.GetExecutionHistoryRequest{FlowName: flow, ExecutionName: name})
	if err != nil {
		v.t.Fatal(err)
	}
	for _, e := range page.Events {
		if strings.Contains(e.EventDetail, errorName) {
			return
		}
	}
	v.t.Errorf("%s of %s did not fail with %s: %+v", name, flow, errorName, page.Events)
}

// History is the types of the events, in their order; they must be numbered without a gap.
func (v *View) History(flow, name string) []string {
	v.t.Helper()
	var types []string
	q := cloudflow.GetExecutionHistoryRequest{FlowName: flow, ExecutionName: name}
	for {
		page, err := v.Client.GetExecutionHistory(v.t.Context(), q)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.EventID != int64(len(types)+1) {
				v.t.Errorf("%s of %s: event %d has the id %d", name, flow, len(types)+1, e.EventID)
			}
			types = append(types, e.Type)
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return types
		}
	}
}
