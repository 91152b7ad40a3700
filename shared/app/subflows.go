package app

import (
	"context"
	"encoding/json"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/task/subflowtask"
	"millrace/shared/value"
)

// subflows carries out what tasks ask of the engine's own service.
type subflows struct {
	runner  *engine.Engine
	service *cloudflow.Service
	region  string
}

// StartChild starts an execution for a task.
func (c *subflows) StartChild(ctx context.Context, k subflowtask.Child) (subflowtask.Started, error) {
	if err := c.callerOf(k.Caller).Authorize("fnf:StartExecution", k.FlowName); err != nil {
		return subflowtask.Started{}, err
	}
	name, err := c.runner.StartChild(ctx, engine.Child{Account: k.Account, FlowName: k.FlowName, Name: k.ExecutionName,
		Input: k.Input, CallbackToken: k.CallbackToken, Key: k.Key})
	if err != nil {
		return subflowtask.Started{}, err
	}
	return subflowtask.Started{FlowName: k.FlowName, ExecutionName: name, RequestID: k.Key}, nil
}

// callerOf is a flow as a caller of the API, who has the rights that its task has.
func (c *subflows) callerOf(by subflowtask.Caller) cloudflow.Caller {
	return cloudflow.Caller{Account: by.Account, Region: c.region, May: by.May, FlowPrincipal: by.FlowPrincipal}
}

// DescribeExecution answers as the API does.
func (c *subflows) DescribeExecution(ctx context.Context, by subflowtask.Caller, flowName, execution string) (json.RawMessage, error) {
	who := c.callerOf(by)
	if err := who.Authorize("fnf:DescribeExecution", flowName); err != nil {
		return nil, err
	}
	x, err := c.service.DescribeExecution(ctx, who, cloudflow.DescribeExecutionRequest{FlowName: flowName, ExecutionName: execution})
	if err != nil {
		return nil, err
	}
	return executionJSON(x), nil
}

// StopExecution answers as the API does.
func (c *subflows) StopExecution(ctx context.Context, by subflowtask.Caller, flowName, execution, name, cause string) (json.RawMessage, error) {
	who := c.callerOf(by)
	if err := who.Authorize("fnf:StopExecution", flowName); err != nil {
		return nil, err
	}
	q := cloudflow.StopExecutionRequest{FlowName: flowName, ExecutionName: execution}
	if name != "" {
		q.Error = &name
	}
	if cause != "" {
		q.Cause = &cause
	}
	x, err := c.service.StopExecution(ctx, who, q)
	if err != nil {
		return nil, err
	}
	return executionJSON(x), nil
}

// ReportTaskSucceeded answers as the API does.
func (c *subflows) ReportTaskSucceeded(ctx context.Context, by subflowtask.Caller, token, output string) (json.RawMessage, error) {
	who := c.callerOf(by)
	if err := who.Authorize("fnf:ReportTaskSucceeded", ""); err != nil {
		return nil, err
	}
	id, err := c.service.ReportTaskSucceeded(ctx, who, cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: output})
	return reported(id), err
}

// ReportTaskFailed answers as the API does.
func (c *subflows) ReportTaskFailed(ctx context.Context, by subflowtask.Caller, token, name, cause string) (json.RawMessage, error) {
	who := c.callerOf(by)
	if err := who.Authorize("fnf:ReportTaskFailed", ""); err != nil {
		return nil, err
	}
	q := cloudflow.ReportTaskFailedRequest{TaskToken: token, Error: name}
	if cause != "" {
		q.Cause = &cause
	}
	id, err := c.service.ReportTaskFailed(ctx, who, q)
	return reported(id), err
}

func reported(id int64) json.RawMessage {
	return value.Encode(map[string]any{"EventId": value.FromInt(id)})
}

// executionJSON is an execution as the API's JSON has it.
func executionJSON(x *cloudflow.Execution) json.RawMessage {
	return value.Encode(map[string]any{"FlowName": x.FlowName, "Name": x.Name, "FlowDefinition": x.FlowDefinition,
		"Input": x.Input, "Output": x.Output, "Status": x.Status,
		"StartedTime": flow.FormatTime(x.StartedTime), "StoppedTime": flow.FormatTime(x.StoppedTime)})
}
