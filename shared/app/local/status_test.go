package local_test

import (
	"context"
	"testing"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
)

// TestWaitingExecutionRuns: a waiting execution is Running in DescribeExecution and in a listing by
// status.
func TestWaitingExecutionRuns(t *testing.T) {
	c := serve(t, local.Config{})
	ctx := context.Background()
	definition := "version: v1\ntype: flow\nsteps:\n- {type: wait, name: long, duration: 3600}\n"
	if _, err := c.CreateFlow(ctx, cloudflow.CreateFlowRequest{
		Name:       "waiting",
		Definition: definition,
		Type:       "FDL",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.StartExecution(ctx, cloudflow.StartExecutionRequest{
		FlowName:      "waiting",
		ExecutionName: "one",
	}); err != nil {
		t.Fatal(err)
	}
	x, err := c.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{
		FlowName:      "waiting",
		ExecutionName: "one",
	})
	if err != nil || x.Status != "Running" {
		t.Errorf("described as %+v, %v", x, err)
	}
	for status, want := range map[string]int{"Running": 1, "Starting": 0} {
		l, err := c.ListExecutions(ctx, cloudflow.ListExecutionsRequest{
			FlowName: "waiting",
			Status:   status,
		})
		if err != nil || len(l.Executions) != want {
			t.Errorf("%d executions are %s, %v", len(l.Executions), status, err)
		}
	}
}
