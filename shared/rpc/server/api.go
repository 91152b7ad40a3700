package server

import (
	"context"

	"millrace/shared/cloudflow"
)

// API is what the server needs of cloudflow.Service: one method per operation.
type API interface {
	VersionsAPI
	BulkAPI

	CreateFlow(
		context.Context, cloudflow.Caller, cloudflow.CreateFlowRequest,
	) (*cloudflow.Flow, error)
	UpdateFlow(
		context.Context, cloudflow.Caller, cloudflow.UpdateFlowRequest,
	) (*cloudflow.Flow, error)
	DescribeFlow(
		context.Context, cloudflow.Caller, cloudflow.DescribeFlowRequest,
	) (*cloudflow.Flow, error)
	DeleteFlow(context.Context, cloudflow.Caller, cloudflow.DeleteFlowRequest) error
	ListFlows(
		context.Context, cloudflow.Caller, cloudflow.ListFlowsRequest,
	) (*cloudflow.FlowPage, error)
	StartExecution(
		context.Context, cloudflow.Caller, cloudflow.StartExecutionRequest,
	) (*cloudflow.Execution, error)
	StartSyncExecution(
		context.Context, cloudflow.Caller, cloudflow.StartExecutionRequest,
	) (*cloudflow.SyncExecution, error)
	StopExecution(
		context.Context, cloudflow.Caller, cloudflow.StopExecutionRequest,
	) (*cloudflow.Execution, error)
	DeleteExecution(context.Context, cloudflow.Caller, cloudflow.DeleteExecutionRequest) error
	RedriveExecution(
		context.Context, cloudflow.Caller, cloudflow.RedriveExecutionRequest,
	) (*cloudflow.Execution, error)
	DescribeExecution(
		context.Context, cloudflow.Caller, cloudflow.DescribeExecutionRequest,
	) (*cloudflow.Execution, error)
	ListExecutions(
		context.Context, cloudflow.Caller, cloudflow.ListExecutionsRequest,
	) (*cloudflow.ExecutionPage, error)
	GetExecutionHistory(
		context.Context, cloudflow.Caller, cloudflow.GetExecutionHistoryRequest,
	) (*cloudflow.EventPage, error)
	DescribeMapRun(
		context.Context, cloudflow.Caller, cloudflow.MapRunRequest,
	) (*cloudflow.MapRun, error)
	UpdateMapRun(
		context.Context, cloudflow.Caller, cloudflow.UpdateMapRunRequest,
	) (*cloudflow.MapRun, error)
	ReportTaskSucceeded(
		context.Context, cloudflow.Caller, cloudflow.ReportTaskSucceededRequest,
	) (eventID int64, err error)
	ReportTaskFailed(
		context.Context, cloudflow.Caller, cloudflow.ReportTaskFailedRequest,
	) (eventID int64, err error)
	CreateSchedule(
		context.Context, cloudflow.Caller, cloudflow.CreateScheduleRequest,
	) (*cloudflow.Schedule, error)
	UpdateSchedule(
		context.Context, cloudflow.Caller, cloudflow.UpdateScheduleRequest,
	) (*cloudflow.Schedule, error)
	DescribeSchedule(
		context.Context, cloudflow.Caller, cloudflow.ScheduleRequest,
	) (*cloudflow.Schedule, error)
	DeleteSchedule(context.Context, cloudflow.Caller, cloudflow.ScheduleRequest) error
	ListSchedules(
		context.Context, cloudflow.Caller, cloudflow.ListOfFlowRequest,
	) (*cloudflow.SchedulePage, error)
	DescribeRegions(context.Context, cloudflow.Caller) ([]cloudflow.Region, error)
}
