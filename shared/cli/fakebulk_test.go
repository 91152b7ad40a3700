package cli_test

import (
	"context"

	"millrace/shared/cloudflow"
)

// bulk returns a bulk operation of a flow with the texts of the flow.
func (f *fakeAPI) bulk(flowName, name string) (*cloudflow.BulkOperation, error) {
	of, err := f.flow(flowName)
	if err != nil {
		return nil, err
	}
	return &cloudflow.BulkOperation{FlowName: flowName, Name: name, Operation: of.Description,
		Status: of.Description, Reason: of.Description, CreatedBy: of.Description,
		AppliesTo: "executions that run", Rate: 20, CreatedTime: began,
		Counts: cloudflow.BulkCounts{Accepted: 3, Stopped: 3, Rejected: 1}}, nil
}

func (f *fakeAPI) CreateBulkOperation(
	_ context.Context, _ cloudflow.Caller, r cloudflow.CreateBulkOperationRequest,
) (*cloudflow.BulkOperation, error) {
	b, err := f.bulk(r.FlowName, r.BulkName)
	if err == nil && r.DryRun != nil {
		b.Operation, b.Status = r.Operation, ""
		b.DryRun = &cloudflow.BulkDryRun{Matches: 12, Samples: []string{f.end.Name, "x2"}}
	}
	return b, err
}

func (f *fakeAPI) DescribeBulkOperation(
	_ context.Context, _ cloudflow.Caller, r cloudflow.BulkOperationRequest,
) (*cloudflow.BulkOperation, error) {
	return f.bulk(r.FlowName, r.BulkName)
}

func (f *fakeAPI) StopBulkOperation(
	_ context.Context, _ cloudflow.Caller, r cloudflow.BulkOperationRequest,
) (*cloudflow.BulkOperation, error) {
	return f.bulk(r.FlowName, r.BulkName)
}

func (f *fakeAPI) ListBulkOperations(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.BulkOperationPage, error) {
	b, err := f.bulk(r.FlowName, r.FlowName)
	if err != nil {
		return nil, err
	}
	return &cloudflow.BulkOperationPage{Operations: []cloudflow.BulkOperation{*b}}, nil
}

func (f *fakeAPI) ListBulkResults(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ListBulkResultsRequest,
) (*cloudflow.BulkResultPage, error) {
	b, err := f.bulk(r.FlowName, r.BulkName)
	if err != nil {
		return nil, err
	}
	return &cloudflow.BulkResultPage{Results: []cloudflow.BulkResult{{ExecutionName: b.Reason,
		ErrorCode: b.Reason, ErrorMessage: b.Reason, StartedExecutionName: b.Reason,
		Status: b.Reason, Time: began}}}, nil
}
