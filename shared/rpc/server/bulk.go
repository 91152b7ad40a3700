package server

import (
	"context"
	"strconv"

	"millrace/shared/cloudflow"
)

// BulkAPI are the operations on bulk operations.
type BulkAPI interface {
	CreateBulkOperation(
		context.Context, cloudflow.Caller, cloudflow.CreateBulkOperationRequest,
	) (*cloudflow.BulkOperation, error)
	DescribeBulkOperation(
		context.Context, cloudflow.Caller, cloudflow.BulkOperationRequest,
	) (*cloudflow.BulkOperation, error)
	StopBulkOperation(
		context.Context, cloudflow.Caller, cloudflow.BulkOperationRequest,
	) (*cloudflow.BulkOperation, error)
	ListBulkOperations(
		context.Context, cloudflow.Caller, cloudflow.ListOfFlowRequest,
	) (*cloudflow.BulkOperationPage, error)
	ListBulkResults(
		context.Context, cloudflow.Caller, cloudflow.ListBulkResultsRequest,
	) (*cloudflow.BulkResultPage, error)
}

// bulkOperations are the operations of BulkAPI.
func bulkOperations() []operation {
	named := []string{"FlowName", "BulkName"}
	return []operation{
		{name: "CreateBulkOperation", flow: "FlowName", required: []string{"FlowName", "Operation"},
			replayProtected: true,
			run:             bind(readCreateBulk, API.CreateBulkOperation, appendBulk)},
		{name: "DescribeBulkOperation", flow: "FlowName", required: named,
			run: bind(readBulk, API.DescribeBulkOperation, appendBulk)},
		{name: "StopBulkOperation", flow: "FlowName", required: named,
			run: bind(readBulk, API.StopBulkOperation, appendBulk)},
		{name: "ListBulkOperations", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListOfFlow, API.ListBulkOperations, appendBulkPage)},
		{name: "ListBulkResults", flow: "FlowName", required: named,
			run: bind(readListBulkResults, API.ListBulkResults, appendBulkResultPage)},
	}
}

func readCreateBulk(p *params) cloudflow.CreateBulkOperationRequest {
	return cloudflow.CreateBulkOperationRequest{
		FlowName: p.str("FlowName"), BulkName: p.str("BulkName"), Operation: p.str("Operation"),
		ExecutionNames: p.str("ExecutionNames"), Status: p.str("Status"),
		ExecutionNamePrefix: p.str("ExecutionNamePrefix"),
		StartedTimeBegin:    p.str("StartedTimeBegin"), StartedTimeEnd: p.str("StartedTimeEnd"),
		Qualifier: p.str("Qualifier"), Reason: p.str("Reason"), Rate: p.integer("Rate"),
		DryRun: p.boolean("DryRun"),
	}
}

func readBulk(p *params) cloudflow.BulkOperationRequest {
	return cloudflow.BulkOperationRequest{FlowName: p.str("FlowName"), BulkName: p.str("BulkName")}
}

func readListBulkResults(p *params) cloudflow.ListBulkResultsRequest {
	return cloudflow.ListBulkResultsRequest{FlowName: p.str("FlowName"),
		BulkName: p.str("BulkName"), NextToken: p.str("NextToken"), Limit: p.integer("Limit")}
}

func appendBulk(dst []byte, b *cloudflow.BulkOperation) []byte {
	dst = field(dst, "FlowName", b.FlowName)
	dst = field(dst, "BulkName", b.Name)
	dst = field(dst, "Operation", b.Operation)
	dst = field(dst, "Status", b.Status)
	dst = field(dst, "Reason", b.Reason)
	dst = field(dst, "CreatedBy", b.CreatedBy)
	dst = field(dst, "AppliesTo", b.AppliesTo)
	dst = intField(dst, "Rate", b.Rate)
	dst = timeField(dst, "CreatedTime", b.CreatedTime)
	dst = timeField(dst, "StoppedTime", b.StoppedTime)
	dst = appendBulkCounts(dst, &b.Counts)
	if d := b.DryRun; d != nil {
		dst = intField(append(name(dst, "DryRun"), '{'), "Matches", d.Matches)
		dst = strconv.AppendBool(name(dst, "More"), d.More)
		dst = append(texts(dst, "Samples", d.Samples), '}')
	}
	return dst
}

func appendBulkCounts(dst []byte, c *cloudflow.BulkCounts) []byte {
	dst = intField(append(name(dst, "Counts"), '{'), "Accepted", c.Accepted)
	dst = intField(dst, "Rejected", c.Rejected)
	dst = intField(dst, "Running", c.Running)
	dst = intField(dst, "Succeeded", c.Succeeded)
	dst = intField(dst, "Failed", c.Failed)
	dst = intField(dst, "TimedOut", c.TimedOut)
	return append(intField(dst, "Stopped", c.Stopped), '}')
}

func appendBulkPage(dst []byte, p *cloudflow.BulkOperationPage) []byte {
	dst = append(name(dst, "BulkOperations"), '[')
	for i := range p.Operations {
		dst = append(appendBulk(element(dst), &p.Operations[i]), '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}

func appendBulkResultPage(dst []byte, p *cloudflow.BulkResultPage) []byte {
	dst = append(name(dst, "Results"), '[')
	for i := range p.Results {
		r := &p.Results[i]
		dst = field(element(dst), "ExecutionName", r.ExecutionName)
		dst = field(dst, "ErrorCode", r.ErrorCode)
		dst = field(dst, "ErrorMessage", r.ErrorMessage)
		dst = field(dst, "StartedExecutionName", r.StartedExecutionName)
		dst = field(dst, "Status", r.Status)
		dst = append(timeField(dst, "Time", r.Time), '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}
