package cloudflow_test

import (
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
)

// TestNamesOfLookups: an operation that looks for an execution rejects names that none can have. It
// does not say that there is no such flow.
func TestNamesOfLookups(t *testing.T) {
	s, c, ctx := newService(), cloudflow.Caller{Account: "1234567890123456"}, t.Context()
	for _, names := range [][2]string{{"9", "x"}, {"", "x"}, {"a b", "x"}, {"f", ""}, {"f", "a\n"}} {
		f, x := names[0], names[1]
		_, describe := s.DescribeExecution(ctx, c,
			cloudflow.DescribeExecutionRequest{FlowName: f, ExecutionName: x})
		_, stop := s.StopExecution(ctx, c,
			cloudflow.StopExecutionRequest{FlowName: f, ExecutionName: x})
		_, history := s.GetExecutionHistory(ctx, c,
			cloudflow.GetExecutionHistoryRequest{FlowName: f, ExecutionName: x})
		for operation, err := range map[string]error{
			"DescribeExecution": describe, "StopExecution": stop, "GetExecutionHistory": history} {
			if fault.CodeOf(err) != fault.InvalidArgument {
				t.Errorf("%s of %q: %v", operation, names, err)
			}
		}
	}
}
