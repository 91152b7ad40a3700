package server_test

import (
	"context"
	"sync"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
)

// noon is a time at which every recorded signature is valid.
var noon = time.Date(2026, 11, 22, 10, 35, 0, 0, time.UTC)

// fakeAPI responds to every operation and keeps the last request. It fails with err and panics with
// panics, if set.
type fakeAPI struct {
	mu      sync.Mutex
	name    string
	caller  cloudflow.Caller
	request any
	calls   int

	err    error
	panics any
	wait   func(context.Context)
}

func (f *fakeAPI) take(
	ctx context.Context, name string, caller cloudflow.Caller, request any,
) error {
	f.mu.Lock()
	f.name, f.caller, f.request = name, caller, request
	f.calls++
	f.mu.Unlock()
	if f.wait != nil {
		f.wait(ctx)
	}
	if f.panics != nil {
		panic(f.panics)
	}
	return f.err
}

const (
	createdMS = 1546304461001 // 2019-01-01T01:01:01.001Z
	stoppedMS = 1546304462020
)

var variables = []flow.Variable{{Name: "k", Value: "v", Description: "d"}}

func aFlow(name string) *cloudflow.Flow {
	return &cloudflow.Flow{
		ID: "3f1c", Name: name, Type: "FDL", Definition: "version: v1\ntype: flow\n",
		Description: `a "flow"`, CreatedTime: createdMS, LastModifiedTime: createdMS,
		ExecutionMode: "Standard", Environment: variables,
	}
}

func anExecution(flow, name string) *cloudflow.Execution {
	return &cloudflow.Execution{
		FlowName: flow, Name: name, FlowDefinition: "version: v1\n", Input: `{"key":"value"}`,
		Status: "Running", StartedTime: createdMS,
	}
}

func (f *fakeAPI) CreateFlow(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.CreateFlowRequest,
) (*cloudflow.Flow, error) {
	return aFlow(r.Name), f.take(ctx, "CreateFlow", caller, r)
}

func (f *fakeAPI) UpdateFlow(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.UpdateFlowRequest,
) (*cloudflow.Flow, error) {
	return aFlow(r.Name), f.take(ctx, "UpdateFlow", caller, r)
}

func (f *fakeAPI) DescribeFlow(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.DescribeFlowRequest,
) (*cloudflow.Flow, error) {
	flow := aFlow(r.Name)
	flow.Environment = nil
	return flow, f.take(ctx, "DescribeFlow", caller, r)
}

func (f *fakeAPI) DeleteFlow(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.DeleteFlowRequest,
) error {
	return f.take(ctx, "DeleteFlow", caller, r)
}

func (f *fakeAPI) ListFlows(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ListFlowsRequest,
) (*cloudflow.FlowPage, error) {
	page := &cloudflow.FlowPage{}
	if r.NextToken == "" {
		page = &cloudflow.FlowPage{Flows: []cloudflow.Flow{*aFlow("a"), *aFlow("b")},
			NextToken: "b"}
	}
	return page, f.take(ctx, "ListFlows", caller, r)
}

func (f *fakeAPI) StartExecution(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.StartExecutionRequest,
) (*cloudflow.Execution, error) {
	return anExecution(r.FlowName, r.ExecutionName), f.take(ctx, "StartExecution", caller, r)
}

func (f *fakeAPI) StartSyncExecution(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.StartExecutionRequest,
) (*cloudflow.SyncExecution, error) {
	e := anExecution(r.FlowName, r.ExecutionName)
	e.Status, e.StoppedTime, e.Environment = "Failed", stoppedMS, variables
	return &cloudflow.SyncExecution{Execution: *e, ErrorCode: "MyErr", ErrorMessage: "why"},
		f.take(ctx, "StartSyncExecution", caller, r)
}

func (f *fakeAPI) StopExecution(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.StopExecutionRequest,
) (*cloudflow.Execution, error) {
	e := anExecution(r.FlowName, r.ExecutionName)
	e.Status, e.StoppedTime, e.RoleArn = "Stopped", stoppedMS, "acs:ram::1:role/r"
	return e, f.take(ctx, "StopExecution", caller, r)
}

func (f *fakeAPI) DeleteExecution(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.DeleteExecutionRequest,
) error {
	return f.take(ctx, "DeleteExecution", caller, r)
}

func (f *fakeAPI) RedriveExecution(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.RedriveExecutionRequest,
) (*cloudflow.Execution, error) {
	e := anExecution(r.FlowName, r.ExecutionName)
	e.RedriveCount, e.RedriveDate, e.Environment = 2, stoppedMS, variables
	return e, f.take(ctx, "RedriveExecution", caller, r)
}

func (f *fakeAPI) DescribeExecution(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.DescribeExecutionRequest,
) (*cloudflow.Execution, error) {
	e := anExecution(r.FlowName, r.ExecutionName)
	e.Status, e.StoppedTime, e.Output, e.Environment = "Succeeded", stoppedMS, "{}", variables
	if r.ExecutionName == "child" {
		e.ParentFlowName, e.ParentExecutionName, e.MapRunName = r.FlowName, "parent", "m"
	}
	return e, f.take(ctx, "DescribeExecution", caller, r)
}

func (f *fakeAPI) ListExecutions(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ListExecutionsRequest,
) (*cloudflow.ExecutionPage, error) {
	e := *anExecution(r.FlowName, "exec1")
	e.MetadataOnly = r.MetadataOnly != nil && *r.MetadataOnly
	return &cloudflow.ExecutionPage{Executions: []cloudflow.Execution{e}},
		f.take(ctx, "ListExecutions", caller, r)
}

func (f *fakeAPI) GetExecutionHistory(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.GetExecutionHistoryRequest,
) (*cloudflow.EventPage, error) {
	return &cloudflow.EventPage{
		Events: []cloudflow.Event{
			{ID: 1, Type: "ExecutionStarted", Detail: `{"input":{}}`, Time: createdMS},
			{ID: 2, ScheduleID: 1, Type: "StepEntered", StepName: "pass1",
				Detail: `{"input":{},"local":{}}`, Time: createdMS},
		},
		NextToken: "3",
	}, f.take(ctx, "GetExecutionHistory", caller, r)
}

func aMapRun(r cloudflow.MapRunRequest) *cloudflow.MapRun {
	return &cloudflow.MapRun{
		FlowName: r.FlowName, ExecutionName: r.ExecutionName, Name: r.MapRunName, Status: "Running",
		StartedTime: createdMS, Concurrency: 5, ToleratedFailedPercentage: 12.5,
		ItemCounts: cloudflow.ItemCounts{Total: 9, Pending: 3, Running: 1, Succeed: 2, Failed: 2,
			Aborted: 1},
	}
}

func (f *fakeAPI) DescribeMapRun(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.MapRunRequest,
) (*cloudflow.MapRun, error) {
	return aMapRun(r), f.take(ctx, "DescribeMapRun", caller, r)
}

func (f *fakeAPI) UpdateMapRun(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.UpdateMapRunRequest,
) (*cloudflow.MapRun, error) {
	return aMapRun(cloudflow.MapRunRequest{FlowName: r.FlowName, ExecutionName: r.ExecutionName,
		MapRunName: r.MapRunName}), f.take(ctx, "UpdateMapRun", caller, r)
}

func (f *fakeAPI) ReportTaskSucceeded(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ReportTaskSucceededRequest,
) (int64, error) {
	return 7, f.take(ctx, "ReportTaskSucceeded", caller, r)
}

func (f *fakeAPI) ReportTaskFailed(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ReportTaskFailedRequest,
) (int64, error) {
	return 8, f.take(ctx, "ReportTaskFailed", caller, r)
}

func aSchedule(name string) *cloudflow.Schedule {
	return &cloudflow.Schedule{ID: "5c4e", Name: name, Description: `every "hour"`,
		Payload: `{"key":"value"}`, CronExpression: "0 0 * * * *", Enable: true,
		CreatedTime: createdMS, LastModifiedTime: stoppedMS}
}

func (f *fakeAPI) CreateSchedule(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.CreateScheduleRequest,
) (*cloudflow.Schedule, error) {
	return aSchedule(r.ScheduleName), f.take(ctx, "CreateSchedule", caller, r)
}

func (f *fakeAPI) UpdateSchedule(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.UpdateScheduleRequest,
) (*cloudflow.Schedule, error) {
	return aSchedule(r.ScheduleName), f.take(ctx, "UpdateSchedule", caller, r)
}

func (f *fakeAPI) DescribeSchedule(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ScheduleRequest,
) (*cloudflow.Schedule, error) {
	s := aSchedule(r.ScheduleName)
	s.Enable, s.Payload = false, ""
	return s, f.take(ctx, "DescribeSchedule", caller, r)
}

func (f *fakeAPI) DeleteSchedule(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ScheduleRequest,
) error {
	return f.take(ctx, "DeleteSchedule", caller, r)
}

func (f *fakeAPI) ListSchedules(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.SchedulePage, error) {
	page := &cloudflow.SchedulePage{}
	if r.NextToken == "" {
		page = &cloudflow.SchedulePage{NextToken: "b",
			Schedules: []cloudflow.Schedule{*aSchedule("a"), *aSchedule("b")}}
	}
	return page, f.take(ctx, "ListSchedules", caller, r)
}

func (f *fakeAPI) DescribeRegions(
	ctx context.Context, caller cloudflow.Caller,
) ([]cloudflow.Region, error) {
	return []cloudflow.Region{{ID: "cn-hangzhou", LocalName: "Hangzhou", Endpoint: caller.Host}},
		f.take(ctx, "DescribeRegions", caller, nil)
}
