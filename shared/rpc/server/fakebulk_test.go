package server_test

import (
	"context"

	"millrace/shared/cloudflow"
)

var oneBulk = cloudflow.BulkOperation{FlowName: "f", Name: "b", Operation: "StopExecution",
	Status: "Running", Reason: "why", CreatedBy: "key", AppliesTo: "executions that run", Rate: 20,
	CreatedTime: createdMS, Counts: cloudflow.BulkCounts{Accepted: 3, Rejected: 1, Running: 1,
		Stopped: 2}}

func (f *fakeAPI) CreateBulkOperation(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.CreateBulkOperationRequest,
) (*cloudflow.BulkOperation, error) {
	b := oneBulk
	if r.DryRun != nil {
		b.Status, b.DryRun = "", &cloudflow.BulkDryRun{Matches: 2, Samples: []string{"x", "y"}}
	}
	return &b, f.take(ctx, "CreateBulkOperation", caller, r)
}

func (f *fakeAPI) DescribeBulkOperation(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.BulkOperationRequest,
) (*cloudflow.BulkOperation, error) {
	return &oneBulk, f.take(ctx, "DescribeBulkOperation", caller, r)
}

func (f *fakeAPI) StopBulkOperation(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.BulkOperationRequest,
) (*cloudflow.BulkOperation, error) {
	return &oneBulk, f.take(ctx, "StopBulkOperation", caller, r)
}

func (f *fakeAPI) ListBulkOperations(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.BulkOperationPage, error) {
	page := &cloudflow.BulkOperationPage{Operations: []cloudflow.BulkOperation{oneBulk},
		NextToken: "b"}
	return page, f.take(ctx, "ListBulkOperations", caller, r)
}

func (f *fakeAPI) ListBulkResults(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ListBulkResultsRequest,
) (*cloudflow.BulkResultPage, error) {
	page := &cloudflow.BulkResultPage{Results: []cloudflow.BulkResult{
		{ExecutionName: "x", Status: "Stopped", Time: createdMS},
		{ExecutionName: "y", ErrorCode: "AccessDenied", ErrorMessage: "no", Time: createdMS}},
		NextToken: "y"}
	return page, f.take(ctx, "ListBulkResults", caller, r)
}
