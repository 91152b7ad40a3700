package cloudflow_test

import (
	"context"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
)

// TestEmptyLists: the operations that list the resources of a flow make the same checks, and return
// an empty page if there are none.
func TestEmptyLists(t *testing.T) {
	s, caller := newService(), cloudflow.Caller{Account: "1234567890123456"}
	create := cloudflow.CreateFlowRequest{Name: "f", Definition: passFlow}
	if _, err := s.CreateFlow(t.Context(), caller, create); err != nil {
		t.Fatal(err)
	}
	type list func(context.Context, cloudflow.Caller, cloudflow.ListOfFlowRequest) (int, error)
	limit := func(n int64) *int64 { return &n }
	for operation, list := range map[string]list{
		"ListFlowVersions": func(ctx context.Context, c cloudflow.Caller,
			q cloudflow.ListOfFlowRequest) (int, error) {
			page, err := s.ListFlowVersions(ctx, c, q)
			if err != nil {
				return 0, err
			}
			return len(page.Versions), nil
		},
		"ListFlowAliases": func(ctx context.Context, c cloudflow.Caller,
			q cloudflow.ListOfFlowRequest) (int, error) {
			page, err := s.ListFlowAliases(ctx, c, q)
			if err != nil {
				return 0, err
			}
			return len(page.Aliases), nil
		},
	} {
		for _, c := range []struct {
			account string
			q       cloudflow.ListOfFlowRequest
			want    fault.Code
		}{
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "f"}, ""},
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "f", Limit: limit(1)}, ""},
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "f", Limit: limit(1000)}, ""},
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "f", Limit: limit(0)},
				fault.InvalidArgument},
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "f", Limit: limit(1001)},
				fault.InvalidArgument},
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "f", NextToken: "LQ"},
				fault.InvalidArgument},
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "9"}, fault.InvalidArgument},
			{caller.Account, cloudflow.ListOfFlowRequest{FlowName: "missing"}, fault.FlowNotExists},
			{"6543210987654321", cloudflow.ListOfFlowRequest{FlowName: "f"}, fault.FlowNotExists},
		} {
			n, err := list(t.Context(), cloudflow.Caller{Account: c.account}, c.q)
			if fault.CodeOf(err) != c.want || n > 0 {
				t.Errorf("%s %+v: %d items, %v, want %q", operation, c.q, n, err, c.want)
			}
		}
	}
}
