package lambda

import (
	"fmt"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc"
)

// On is the stack as a part of a test has it: what goes wrong is that part's fault.
func (s *Stack) On(t testing.TB) *Stack {
	part := *s
	part.t = t
	return &part
}

// Define creates a flow of the states given, a list in YAML; it starts with A.
func (s *Stack) Define(name, states string) {
	s.t.Helper()
	definition := fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n%s", name, states)
	if _, err := s.Client.CreateFlow(s.t.Context(), cloudflow.CreateFlowRequest{Name: name, Definition: definition, Type: "FDL"}); err != nil {
		s.t.Fatal(err)
	}
}

// Start starts an execution.
func (s *Stack) Start(flow, name, input string) {
	s.t.Helper()
	if _, err := s.Client.StartExecution(s.t.Context(), cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name, Input: input}); err != nil {
		s.t.Fatal(err)
	}
}

// Wait gives an execution once it has ended.
func (s *Stack) Wait(flow, name string, most time.Duration) *rpc.Execution {
	s.t.Helper()
	seconds := int64(20)
	for end := time.Now().Add(most); ; {
		x, err := s.Watcher.DescribeExecution(s.t.Context(), cloudflow.DescribeExecutionRequest{FlowName: flow, ExecutionName: name, WaitTimeSeconds: &seconds})
		if err != nil {
			s.t.Fatal(err)
		}
		if x.Status != "Running" && x.Status != "Starting" {
			return x
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s of %s still runs: %s; history %v", name, flow, s.Poller, s.History(flow, name))
		}
	}
}

// Succeeded waits for an execution and checks its output.
func (s *Stack) Succeeded(flow, name, output string) {
	s.t.Helper()
	x := s.Wait(flow, name, time.Minute)
	if x.Status != "Succeeded" || x.Output != output {
		s.t.Errorf("%s of %s: %s %s, want %s; history %v", name, flow, x.Status, x.Output, output, s.History(flow, name))
	}
}

// History is the types of the events, in their order; they must be numbered without a gap.
func (s *Stack) History(flow, name string) []string {
	s.t.Helper()
	var types []string
	q := cloudflow.GetExecutionHistoryRequest{FlowName: flow, ExecutionName: name}
	for {
		page, err := s.Watcher.GetExecutionHistory(s.t.Context(), q)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.EventID != int64(len(types)+1) {
				s.t.Errorf("%s of %s: event %d has the id %d", name, flow, len(types)+1, e.EventID)
			}
			types = append(types, e.Type)
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return types
		}
	}
}
