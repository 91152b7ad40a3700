package client

import (
	"context"

	"millrace/shared/cloudflow"
)

// BulkOperation is the response of the operations on one bulk operation, and an item of
// BulkOperationList.
type BulkOperation struct {
	RequestID          string `json:"RequestId,omitempty"` // "" in a list
	FlowName, BulkName string
	Operation, Status  string
	Reason, CreatedBy  string
	AppliesTo          string
	Rate               int64
	CreatedTime        Timestamp
	StoppedTime        Timestamp
	Counts             cloudflow.BulkCounts
	DryRun             *cloudflow.BulkDryRun `json:",omitempty"` // nil: it is no dry run
}

// BulkOperationList is one page of bulk operations; NextToken is "" on the last page.
type BulkOperationList struct {
	RequestID      string `json:"RequestId"`
	BulkOperations []BulkOperation
	NextToken      string `json:",omitempty"`
}

// BulkResult is what a bulk operation has done with an execution.
type BulkResult struct {
	ExecutionName, ErrorCode, ErrorMessage string
	StartedExecutionName, Status           string
	Time                                   Timestamp
}

// BulkResultList is one page of results; NextToken is "" on the last page.
type BulkResultList struct {
	RequestID string `json:"RequestId"`
	Results   []BulkResult
	NextToken string `json:",omitempty"`
}

// CreateBulkOperation makes a bulk operation, or says what one would act on.
func (c *Client) CreateBulkOperation(
	ctx context.Context, r cloudflow.CreateBulkOperationRequest,
) (*BulkOperation, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.text("BulkName", r.BulkName)
	a.add("Operation", r.Operation)
	a.text("ExecutionNames", r.ExecutionNames)
	a.text("Status", r.Status)
	a.text("ExecutionNamePrefix", r.ExecutionNamePrefix)
	a.text("StartedTimeBegin", r.StartedTimeBegin)
	a.text("StartedTimeEnd", r.StartedTimeEnd)
	a.text("Qualifier", r.Qualifier)
	a.text("Reason", r.Reason)
	a.integer("Rate", r.Rate)
	a.boolean("DryRun", r.DryRun)
	return invoke[BulkOperation](ctx, c, "CreateBulkOperation", a, 0)
}

// DescribeBulkOperation returns a bulk operation.
func (c *Client) DescribeBulkOperation(
	ctx context.Context, r cloudflow.BulkOperationRequest,
) (*BulkOperation, error) {
	return invoke[BulkOperation](ctx, c, "DescribeBulkOperation", bulk(r), 0)
}

// StopBulkOperation lets a bulk operation take no more executions.
func (c *Client) StopBulkOperation(
	ctx context.Context, r cloudflow.BulkOperationRequest,
) (*BulkOperation, error) {
	return invoke[BulkOperation](ctx, c, "StopBulkOperation", bulk(r), 0)
}

func bulk(r cloudflow.BulkOperationRequest) arguments {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("BulkName", r.BulkName)
	return a
}

// ListBulkOperations returns one page of a flow's bulk operations, those with the last names first.
func (c *Client) ListBulkOperations(
	ctx context.Context, r cloudflow.ListOfFlowRequest,
) (*BulkOperationList, error) {
	return invoke[BulkOperationList](ctx, c, "ListBulkOperations", listOfFlow(r), 0)
}

// ListBulkResults returns one page of the results of a bulk operation, by the names of the
// executions.
func (c *Client) ListBulkResults(
	ctx context.Context, r cloudflow.ListBulkResultsRequest,
) (*BulkResultList, error) {
	a := bulk(cloudflow.BulkOperationRequest{FlowName: r.FlowName, BulkName: r.BulkName})
	a.text("NextToken", r.NextToken)
	a.integer("Limit", r.Limit)
	return invoke[BulkResultList](ctx, c, "ListBulkResults", a, 0)
}
