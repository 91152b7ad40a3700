package server

import (
	"context"

	"millrace/shared/cloudflow"
)

// operation is one operation of the API.
type operation struct {
	name, action    string // action is its name in policies
	flow            string // the parameter that names its flow; "" if there is none
	required        []string
	replayProtected bool // always check the nonce: a replay would undo later changes or repeat work
	anonymous       bool // a client without credentials may call it, by a request of anonymousMax
	run             operationFunc
}

// mapRunNames are the parameters that name a MapRun.
var mapRunNames = []string{"FlowName", "ExecutionName", "MapRunName"}

// operationFunc reads the parameters of an operation, calls the service and appends the fields of
// the response to dst.
type operationFunc func(
	ctx context.Context, api API, caller cloudflow.Caller, p *params, dst []byte,
) ([]byte, error)

// operations are those that this server has. The others of CloudFlow are those of its consoles.
// DeleteExecution is no operation of CloudFlow.
var operations = func() map[string]*operation {
	list := []operation{
		{name: "CreateFlow", flow: "Name", required: []string{"Name", "Definition"},
			replayProtected: true,
			run:             bind(readCreateFlow, API.CreateFlow, appendFlow)},
		{name: "UpdateFlow", flow: "Name", required: []string{"Name"}, replayProtected: true,
			run: bind(readUpdateFlow, API.UpdateFlow, appendFlow)},
		{name: "DescribeFlow", flow: "Name", required: []string{"Name"},
			run: bind(readDescribeFlow, API.DescribeFlow, appendFlow)},
		{name: "DeleteFlow", flow: "Name", required: []string{"Name"}, replayProtected: true,
			run: bind(readDeleteFlow, deleteFlow, appendNothing)},
		{name: "ListFlows",
			run: bind(readListFlows, API.ListFlows, appendFlowPage)},
		{name: "StartExecution", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readStartExecution, API.StartExecution, appendStarted)},
		{name: "StartSyncExecution", flow: "FlowName", required: []string{"FlowName"},
			replayProtected: true,
			run: bind(readStartSyncExecution, API.StartSyncExecution,
				appendSyncExecution)},
		{name: "StopExecution", flow: "FlowName", required: []string{"FlowName", "ExecutionName"},
			run: bind(readStopExecution, API.StopExecution, appendStopped)},
		{name: "DeleteExecution", flow: "FlowName",
			required: []string{"FlowName", "ExecutionName"},
			run:      bind(readDeleteExecution, deleteExecution, appendNothing)},
		{name: "RedriveExecution", flow: "FlowName",
			required:        []string{"FlowName", "ExecutionName"},
			replayProtected: true,
			run:             bind(readRedriveExecution, API.RedriveExecution, appendDescribed)},
		{name: "DescribeExecution", flow: "FlowName",
			required: []string{"FlowName", "ExecutionName"},
			run: bind(readDescribeExecution, API.DescribeExecution,
				appendDescribed)},
		{name: "ListExecutions", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListExecutions, API.ListExecutions, appendExecutionPage)},
		{name: "GetExecutionHistory", flow: "FlowName",
			required: []string{"FlowName", "ExecutionName"},
			run: bind(readGetExecutionHistory, API.GetExecutionHistory,
				appendEventPage)},
		{name: "DescribeMapRun", flow: "FlowName", required: mapRunNames,
			run: bind(readMapRun, API.DescribeMapRun, appendMapRun)},
		{name: "UpdateMapRun", flow: "FlowName", required: mapRunNames,
			run: bind(readUpdateMapRun, API.UpdateMapRun, appendUpdatedMapRun)},
		{name: "ReportTaskSucceeded", required: []string{"TaskToken", "Output"},
			run: bind(readReportTaskSucceeded, API.ReportTaskSucceeded, appendEventID)},
		{name: "ReportTaskFailed", required: []string{"TaskToken", "Error"},
			run: bind(readReportTaskFailed, API.ReportTaskFailed, appendEventID)},
		{name: "CreateSchedule", flow: "FlowName",
			required:        []string{"FlowName", "ScheduleName", "CronExpression"},
			replayProtected: true,
			run:             bind(readCreateSchedule, API.CreateSchedule, appendSchedule)},
		{name: "UpdateSchedule", flow: "FlowName", required: []string{"FlowName", "ScheduleName"},
			replayProtected: true,
			run:             bind(readUpdateSchedule, API.UpdateSchedule, appendSchedule)},
		{name: "DescribeSchedule", flow: "FlowName",
			required: []string{"FlowName", "ScheduleName"},
			run:      bind(readSchedule, API.DescribeSchedule, appendSchedule)},
		{name: "DeleteSchedule", flow: "FlowName", required: []string{"FlowName", "ScheduleName"},
			replayProtected: true,
			run:             bind(readSchedule, deleteSchedule, appendNothing)},
		{name: "ListSchedules", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListOfFlow, API.ListSchedules, appendSchedulePage)},
		{name: "DescribeRegions", anonymous: true,
			run: bind(readNothing, describeRegions, appendRegions)},
	}
	list = append(list, versionOperations()...)
	list = append(list, bulkOperations()...)
	m := make(map[string]*operation, len(list))
	for i := range list {
		list[i].action = "fnf:" + list[i].name
		m[list[i].name] = &list[i]
	}
	return m
}()

// bind joins the three parts of an operation: read turns parameters into a request, method calls
// the service, render turns the result into JSON.
func bind[Q, A any](
	read func(*params) Q,
	method func(API, context.Context, cloudflow.Caller, Q) (A, error),
	render func([]byte, A) []byte,
) operationFunc {
	return func(
		ctx context.Context, api API, caller cloudflow.Caller, p *params, dst []byte,
	) ([]byte, error) {
		request := read(p)
		if p.bad != nil {
			return nil, p.bad
		}
		result, err := method(api, ctx, caller, request)
		if err != nil {
			return nil, err
		}
		return render(dst, result), nil
	}
}

// nothing is the request, or the result, of an operation that has none.
type nothing struct{}

func deleteFlow(
	api API, ctx context.Context, caller cloudflow.Caller, r cloudflow.DeleteFlowRequest,
) (nothing, error) {
	return nothing{}, api.DeleteFlow(ctx, caller, r)
}

func deleteExecution(
	api API, ctx context.Context, caller cloudflow.Caller, r cloudflow.DeleteExecutionRequest,
) (nothing, error) {
	return nothing{}, api.DeleteExecution(ctx, caller, r)
}

func deleteSchedule(
	api API, ctx context.Context, caller cloudflow.Caller, r cloudflow.ScheduleRequest,
) (nothing, error) {
	return nothing{}, api.DeleteSchedule(ctx, caller, r)
}

func describeRegions(
	api API, ctx context.Context, caller cloudflow.Caller, _ nothing,
) ([]cloudflow.Region, error) {
	return api.DescribeRegions(ctx, caller)
}

// IsOperation reports whether the server has an operation of this name.
func IsOperation(name string) bool { return operations[name] != nil }
