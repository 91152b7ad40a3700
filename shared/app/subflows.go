package app

import (
	"context"
	"encoding/json"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/task/subflowtask"
	"millrace/shared/value"
)

// Subflows carries out the tasks that call the engine's own API.
type Subflows struct {
	Service *cloudflow.Service
	Region  string
}

// StartChild starts an execution for a task.
func (c *Subflows) StartChild(
	ctx context.Context, caller subflowtask.Caller, child flow.Child,
) (subflowtask.Started, error) {
	if err := c.callerOf(caller).Authorize("fnf:StartExecution", child.FlowName); err != nil {
		return subflowtask.Started{}, err
	}
	name, err := c.Service.StartChild(ctx, child)
	if err != nil {
		return subflowtask.Started{}, err
	}
	return subflowtask.Started{FlowName: child.FlowName, ExecutionName: name,
		RequestID: child.Key}, nil
}

// callerOf returns the API caller for a task; it has the task's rights.
func (c *Subflows) callerOf(caller subflowtask.Caller) cloudflow.Caller {
	return cloudflow.Caller{
		Account:       caller.Account,
		Region:        c.Region,
		May:           caller.May,
		FlowPrincipal: caller.FlowPrincipal,
	}
}

// DescribeExecution returns the API's response.
func (c *Subflows) DescribeExecution(
	ctx context.Context, caller subflowtask.Caller, flowName, execution string,
) (json.RawMessage, error) {
	apiCaller := c.callerOf(caller)
	if err := apiCaller.Authorize("fnf:DescribeExecution", flowName); err != nil {
		return nil, err
	}
	x, err := c.Service.DescribeExecution(ctx, apiCaller,
		cloudflow.DescribeExecutionRequest{FlowName: flowName, ExecutionName: execution})
	if err != nil {
		return nil, err
	}
	return executionJSON(x), nil
}

// StopExecution returns the API's response.
func (c *Subflows) StopExecution(
	ctx context.Context, caller subflowtask.Caller, flowName, execution, name, cause string,
) (json.RawMessage, error) {
	apiCaller := c.callerOf(caller)
	if err := apiCaller.Authorize("fnf:StopExecution", flowName); err != nil {
		return nil, err
	}
	q := cloudflow.StopExecutionRequest{FlowName: flowName, ExecutionName: execution}
	if name != "" {
		q.Error = &name
	}
	if cause != "" {
		q.Cause = &cause
	}
	x, err := c.Service.StopExecution(ctx, apiCaller, q)
	if err != nil {
		return nil, err
	}
	return executionJSON(x), nil
}

// ReportTaskSucceeded returns the API's response.
func (c *Subflows) ReportTaskSucceeded(
	ctx context.Context, caller subflowtask.Caller, token, output string,
) (json.RawMessage, error) {
	apiCaller := c.callerOf(caller)
	if err := apiCaller.Authorize("fnf:ReportTaskSucceeded", ""); err != nil {
		return nil, err
	}
	id, err := c.Service.ReportTaskSucceeded(ctx, apiCaller,
		cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: output})
	return reported(id), err
}

// ReportTaskFailed returns the API's response.
func (c *Subflows) ReportTaskFailed(
	ctx context.Context, caller subflowtask.Caller, token, name, cause string,
) (json.RawMessage, error) {
	apiCaller := c.callerOf(caller)
	if err := apiCaller.Authorize("fnf:ReportTaskFailed", ""); err != nil {
		return nil, err
	}
	q := cloudflow.ReportTaskFailedRequest{TaskToken: token, Error: name}
	if cause != "" {
		q.Cause = &cause
	}
	id, err := c.Service.ReportTaskFailed(ctx, apiCaller, q)
	return reported(id), err
}

func reported(id int64) json.RawMessage {
	return value.Encode(map[string]any{"EventId": value.FromInt(id)})
}

// executionJSON encodes an execution as the API does.
func executionJSON(x *cloudflow.Execution) json.RawMessage {
	return value.Encode(map[string]any{
		"FlowName":       x.FlowName,
		"Name":           x.Name,
		"FlowDefinition": x.FlowDefinition,
		"Input":          x.Input,
		"Output":         x.Output,
		"Status":         x.Status,
		"StartedTime":    flow.FormatTime(x.StartedTime),
		"StoppedTime":    flow.FormatTime(x.StoppedTime),
	})
}
