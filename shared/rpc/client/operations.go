package client

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/sign"
	"millrace/shared/value"
)

// syncMax is the longest that an Express execution may run.
const syncMax = 5 * time.Minute

// arguments collects parameters and leaves out the absent ones.
type arguments []sign.Param

func (a *arguments) add(name, value string) {
	*a = append(*a, sign.Param{Name: name, Value: value})
}

func (a *arguments) text(name, value string) {
	if value != "" {
		a.add(name, value)
	}
}

func (a *arguments) opt(name string, value *string) {
	if value != nil {
		a.add(name, *value)
	}
}

func (a *arguments) integer(name string, value *int64) {
	if value != nil {
		a.add(name, strconv.FormatInt(*value, 10))
	}
}

func (a *arguments) boolean(name string, value *bool) {
	if value != nil {
		a.add(name, strconv.FormatBool(*value))
	}
}

// newArguments reserves capacity for the operation's own parameters and the common ones.
func newArguments() arguments { return make(arguments, 0, 8+commonParams) }

// invoke calls an operation and decodes its response.
func invoke[T any](
	ctx context.Context, c *Client, operation string, a arguments, wait time.Duration,
) (*T, error) {
	body, err := c.do(ctx, operation, a, wait)
	if err != nil {
		return nil, err
	}
	response := new(T)
	if err := value.UnmarshalLenient(body, response); err != nil {
		return nil, fmt.Errorf("the response to %s cannot be read: %w", operation, err)
	}
	return response, nil
}

// CreateFlow creates a flow.
func (c *Client) CreateFlow(ctx context.Context, r cloudflow.CreateFlowRequest) (*Flow, error) {
	a := newArguments()
	a.add("Name", r.Name)
	a.add("Definition", r.Definition)
	a.add("Description", r.Description)
	a.text("Type", r.Type)
	a.text("RoleArn", r.RoleArn)
	a.text("ExecutionMode", r.ExecutionMode)
	a.text("ExternalStorageLocation", r.ExternalStorageLocation)
	a.text("Environment", r.Environment)
	a.text("ResourceGroupId", r.ResourceGroupID)
	a.text("HiddenPaths", r.HiddenPaths)
	a.text("SearchKeys", r.SearchKeys)
	return invoke[Flow](ctx, c, "CreateFlow", a, 0)
}

// UpdateFlow changes those properties of a flow that r sets.
func (c *Client) UpdateFlow(ctx context.Context, r cloudflow.UpdateFlowRequest) (*Flow, error) {
	a := newArguments()
	a.add("Name", r.Name)
	a.opt("Definition", r.Definition)
	a.opt("Description", r.Description)
	a.opt("Type", r.Type)
	a.opt("RoleArn", r.RoleArn)
	a.opt("Environment", r.Environment)
	a.opt("ExternalStorageLocation", r.ExternalStorageLocation)
	a.opt("HiddenPaths", r.HiddenPaths)
	a.opt("SearchKeys", r.SearchKeys)
	return invoke[Flow](ctx, c, "UpdateFlow", a, 0)
}

// DescribeFlow returns a flow.
func (c *Client) DescribeFlow(ctx context.Context, name string) (*Flow, error) {
	a := newArguments()
	a.add("Name", name)
	return invoke[Flow](ctx, c, "DescribeFlow", a, 0)
}

// DeleteFlow deletes a flow.
func (c *Client) DeleteFlow(ctx context.Context, name string) error {
	a := newArguments()
	a.add("Name", name)
	_, err := c.do(ctx, "DeleteFlow", a, 0)
	return err
}

// ListFlows returns one page of flows, sorted by name.
func (c *Client) ListFlows(ctx context.Context, r cloudflow.ListFlowsRequest) (*FlowList, error) {
	a := newArguments()
	a.text("NextToken", r.NextToken)
	a.integer("Limit", r.Limit)
	a.text("ResourceGroupId", r.ResourceGroupID)
	return invoke[FlowList](ctx, c, "ListFlows", a, 0)
}

// StartExecution starts an execution. If an execution of this name is already running, it returns
// that one.
func (c *Client) StartExecution(
	ctx context.Context, r cloudflow.StartExecutionRequest,
) (*Execution, error) {
	a := start(r)
	a.text("CallbackFnFTaskToken", r.CallbackToken)
	return invoke[Execution](ctx, c, "StartExecution", a, 0)
}

// StartSyncExecution runs an Express flow and returns its result. A failed execution is not an
// error. It waits up to five minutes longer than Timeout.
func (c *Client) StartSyncExecution(
	ctx context.Context, r cloudflow.StartExecutionRequest,
) (*SyncExecution, error) {
	return invoke[SyncExecution](ctx, c, "StartSyncExecution", start(r), syncMax)
}

func start(r cloudflow.StartExecutionRequest) arguments {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.text("ExecutionName", r.ExecutionName)
	a.text("Input", r.Input)
	a.text("Qualifier", r.Qualifier)
	return a
}

// StopExecution stops a running execution.
func (c *Client) StopExecution(
	ctx context.Context, r cloudflow.StopExecutionRequest,
) (*Execution, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ExecutionName", r.ExecutionName)
	a.opt("Error", r.Error)
	a.opt("Cause", r.Cause)
	return invoke[Execution](ctx, c, "StopExecution", a, 0)
}

// DeleteExecution deletes an execution that has ended. Only Millrace has this operation.
func (c *Client) DeleteExecution(ctx context.Context, r cloudflow.DeleteExecutionRequest) error {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ExecutionName", r.ExecutionName)
	_, err := c.do(ctx, "DeleteExecution", a, 0)
	return err
}

// RedriveExecution lets an execution that has ended without success go on. With a RedriveCount it
// may be repeated.
func (c *Client) RedriveExecution(
	ctx context.Context, r cloudflow.RedriveExecutionRequest,
) (*Execution, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ExecutionName", r.ExecutionName)
	a.integer("RedriveCount", r.RedriveCount)
	return invoke[Execution](ctx, c, "RedriveExecution", a, 0)
}

// DescribeExecution returns an execution. If WaitTimeSeconds is set, it first waits for the end of
// the execution, that many seconds at most.
func (c *Client) DescribeExecution(
	ctx context.Context, r cloudflow.DescribeExecutionRequest,
) (*Execution, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ExecutionName", r.ExecutionName)
	a.integer("WaitTimeSeconds", r.WaitTimeSeconds)
	return invoke[Execution](ctx, c, "DescribeExecution", a, waitOf(r.WaitTimeSeconds))
}

// waitOf is how long a long poll may take; the server accepts at most a minute.
func waitOf(seconds *int64) time.Duration {
	if seconds == nil {
		return 0
	}
	return time.Duration(min(*seconds, 60)) * time.Second
}

// ListExecutions returns one page of a flow's executions, the newest first.
func (c *Client) ListExecutions(
	ctx context.Context, r cloudflow.ListExecutionsRequest,
) (*ExecutionList, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.text("NextToken", r.NextToken)
	a.integer("Limit", r.Limit)
	a.text("Status", r.Status)
	a.text("StartedTimeBegin", r.StartedTimeBegin)
	a.text("StartedTimeEnd", r.StartedTimeEnd)
	a.text("ExecutionNamePrefix", r.ExecutionNamePrefix)
	a.boolean("MetadataOnly", r.MetadataOnly)
	a.text("Qualifier", r.Qualifier)
	a.text("MapRunName", r.MapRunName)
	a.text("StateName", r.StateName)
	a.text("ErrorName", r.ErrorName)
	a.text("GroupKey", r.GroupKey)
	a.text("Source", r.Source)
	a.text("SearchKey", r.SearchKey)
	a.text("SearchValue", r.SearchValue)
	a.text("SearchValuePrefix", r.SearchValuePrefix)
	return invoke[ExecutionList](ctx, c, "ListExecutions", a, 0)
}

// GetExecutionHistory returns one page of an execution's history events, the oldest first unless
// ReverseOrder is set. If WaitTimeSeconds is set, it first waits for the event that NextToken names
// or for the end of the execution, that many seconds at most.
func (c *Client) GetExecutionHistory(
	ctx context.Context, r cloudflow.GetExecutionHistoryRequest,
) (*History, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ExecutionName", r.ExecutionName)
	a.text("NextToken", r.NextToken)
	a.integer("Limit", r.Limit)
	a.boolean("ReverseOrder", r.ReverseOrder)
	a.integer("WaitTimeSeconds", r.WaitTimeSeconds)
	return invoke[History](ctx, c, "GetExecutionHistory", a, waitOf(r.WaitTimeSeconds))
}

// DescribeMapRun returns the run of a distributed Map.
func (c *Client) DescribeMapRun(
	ctx context.Context, r cloudflow.MapRunRequest,
) (*MapRun, error) {
	return invoke[MapRun](ctx, c, "DescribeMapRun", mapRun(r), 0)
}

// UpdateMapRun changes those settings of an open MapRun that r sets.
func (c *Client) UpdateMapRun(
	ctx context.Context, r cloudflow.UpdateMapRunRequest,
) (*MapRun, error) {
	a := mapRun(cloudflow.MapRunRequest{
		FlowName: r.FlowName, ExecutionName: r.ExecutionName, MapRunName: r.MapRunName})
	a.integer("Concurrency", r.Concurrency)
	a.integer("ToleratedFailedCount", r.ToleratedFailedCount)
	if p := r.ToleratedFailedPercentage; p != nil {
		a.add("ToleratedFailedPercentage", strconv.FormatFloat(*p, 'f', -1, 64))
	}
	return invoke[MapRun](ctx, c, "UpdateMapRun", a, 0)
}

func mapRun(r cloudflow.MapRunRequest) arguments {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ExecutionName", r.ExecutionName)
	a.add("MapRunName", r.MapRunName)
	return a
}

// ReportTaskSucceeded reports a task's output, a JSON object. It returns the id of the history
// event that records it.
func (c *Client) ReportTaskSucceeded(
	ctx context.Context, r cloudflow.ReportTaskSucceededRequest,
) (eventID int64, err error) {
	a := newArguments()
	a.add("TaskToken", r.TaskToken)
	a.add("Output", r.Output)
	return c.report(ctx, "ReportTaskSucceeded", a)
}

// ReportTaskFailed reports a task's error. It returns the id of the history event that records it.
func (c *Client) ReportTaskFailed(
	ctx context.Context, r cloudflow.ReportTaskFailedRequest,
) (eventID int64, err error) {
	a := newArguments()
	a.add("TaskToken", r.TaskToken)
	a.add("Error", r.Error)
	a.opt("Cause", r.Cause)
	return c.report(ctx, "ReportTaskFailed", a)
}

type reportResponse struct {
	EventID int64 `json:"EventId"`
}

func (c *Client) report(ctx context.Context, operation string, a arguments) (int64, error) {
	response, err := invoke[reportResponse](ctx, c, operation, a, 0)
	if err != nil {
		return 0, err
	}
	return response.EventID, nil
}

// CreateSchedule creates a schedule.
func (c *Client) CreateSchedule(
	ctx context.Context, r cloudflow.CreateScheduleRequest,
) (*Schedule, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ScheduleName", r.ScheduleName)
	a.add("CronExpression", r.CronExpression)
	a.text("Description", r.Description)
	a.text("Payload", r.Payload)
	a.text("Qualifier", r.Qualifier)
	a.boolean("Enable", r.Enable)
	return invoke[Schedule](ctx, c, "CreateSchedule", a, 0)
}

// UpdateSchedule changes those properties of a schedule that r sets.
func (c *Client) UpdateSchedule(
	ctx context.Context, r cloudflow.UpdateScheduleRequest,
) (*Schedule, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ScheduleName", r.ScheduleName)
	a.opt("CronExpression", r.CronExpression)
	a.opt("Description", r.Description)
	a.opt("Payload", r.Payload)
	a.opt("Qualifier", r.Qualifier)
	a.boolean("Enable", r.Enable)
	return invoke[Schedule](ctx, c, "UpdateSchedule", a, 0)
}

// DescribeSchedule returns a schedule.
func (c *Client) DescribeSchedule(
	ctx context.Context, r cloudflow.ScheduleRequest,
) (*Schedule, error) {
	return invoke[Schedule](ctx, c, "DescribeSchedule", schedule(r), 0)
}

// DeleteSchedule deletes a schedule.
func (c *Client) DeleteSchedule(ctx context.Context, r cloudflow.ScheduleRequest) error {
	_, err := c.do(ctx, "DeleteSchedule", schedule(r), 0)
	return err
}

func schedule(r cloudflow.ScheduleRequest) arguments {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("ScheduleName", r.ScheduleName)
	return a
}

// ListSchedules returns one page of a flow's schedules, sorted by name.
func (c *Client) ListSchedules(
	ctx context.Context, r cloudflow.ListOfFlowRequest,
) (*ScheduleList, error) {
	return invoke[ScheduleList](ctx, c, "ListSchedules", listOfFlow(r), 0)
}

// DescribeRegions returns the regions of the endpoint.
func (c *Client) DescribeRegions(ctx context.Context) ([]Region, error) {
	response, err := invoke[struct{ Regions struct{ Region []Region } }](ctx, c, "DescribeRegions",
		newArguments(), 0)
	if err != nil {
		return nil, err
	}
	return response.Regions.Region, nil
}
