package rpc

import (
	"context"

	"millrace/shared/cloudflow"
)

// operation is one operation of the API.
type operation struct {
	name, action    string // action is its name in policies
	flow            string // parameter that names the flow it works on, "" for none
	required        []string
	replayProtected bool // its nonces are always checked: a replay would undo what came later, or do the work again
	run             operationFunc
}

// operationFunc reads an operation's parameters, calls the service and appends the fields of the answer to dst.
type operationFunc func(ctx context.Context, api cloudflow.API, who cloudflow.Caller, p *params, dst []byte) ([]byte, error)

// operations are those that this server has. The others of the product, which change or describe
// schedules, versions, aliases and map runs, are answered like unknown names.
var operations = func() map[string]*operation {
	list := []operation{
		{name: "CreateFlow", flow: "Name", required: []string{"Name", "Definition"}, replayProtected: true,
			run: bind(readCreateFlow, cloudflow.API.CreateFlow, appendFlow)},
		{name: "UpdateFlow", flow: "Name", required: []string{"Name"}, replayProtected: true,
			run: bind(readUpdateFlow, cloudflow.API.UpdateFlow, appendFlow)},
		{name: "DescribeFlow", flow: "Name", required: []string{"Name"},
			run: bind(readDescribeFlow, cloudflow.API.DescribeFlow, appendFlow)},
		{name: "DeleteFlow", flow: "Name", required: []string{"Name"}, replayProtected: true,
			run: bind(readDeleteFlow, deleteFlow, appendNothing)},
		{name: "ListFlows",
			run: bind(readListFlows, cloudflow.API.ListFlows, appendFlowPage)},
		{name: "StartExecution", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readStartExecution, cloudflow.API.StartExecution, appendStarted)},
		{name: "StartSyncExecution", flow: "FlowName", required: []string{"FlowName"}, replayProtected: true,
			run: bind(readStartSyncExecution, cloudflow.API.StartSyncExecution, appendSyncExecution)},
		{name: "StopExecution", flow: "FlowName", required: []string{"FlowName", "ExecutionName"},
			run: bind(readStopExecution, cloudflow.API.StopExecution, appendStopped)},
		{name: "DescribeExecution", flow: "FlowName", required: []string{"FlowName", "ExecutionName"},
			run: bind(readDescribeExecution, cloudflow.API.DescribeExecution, appendDescribed)},
		{name: "ListExecutions", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListExecutions, cloudflow.API.ListExecutions, appendExecutionPage)},
		{name: "GetExecutionHistory", flow: "FlowName", required: []string{"FlowName", "ExecutionName"},
			run: bind(readGetExecutionHistory, cloudflow.API.GetExecutionHistory, appendEventPage)},
		{name: "ReportTaskSucceeded", required: []string{"TaskToken", "Output"},
			run: bind(readReportTaskSucceeded, cloudflow.API.ReportTaskSucceeded, appendEventID)},
		{name: "ReportTaskFailed", required: []string{"TaskToken", "Error"},
			run: bind(readReportTaskFailed, cloudflow.API.ReportTaskFailed, appendEventID)},
		{name: "ListSchedules", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListOfFlow, cloudflow.API.ListSchedules, appendEmpty("Schedules"))},
		{name: "ListFlowVersions", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListOfFlow, cloudflow.API.ListFlowVersions, appendEmpty("FlowVersions"))},
		{name: "ListFlowAliases", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListOfFlow, cloudflow.API.ListFlowAliases, appendEmpty("Aliases"))},
		{name: "DescribeRegions",
			run: bind(readNothing, describeRegions, appendRegions)},
	}
	m := make(map[string]*operation, len(list))
	for i := range list {
		list[i].action = "fnf:" + list[i].name
		m[list[i].name] = &list[i]
	}
	return m
}()

// bind joins the three parts of an operation: parameters to request, the service's method, answer to text.
func bind[Q, A any](
	read func(*params) Q,
	method func(cloudflow.API, context.Context, cloudflow.Caller, Q) (A, error),
	render func([]byte, A) []byte,
) operationFunc {
	return func(ctx context.Context, api cloudflow.API, who cloudflow.Caller, p *params, dst []byte) ([]byte, error) {
		request := read(p)
		if p.bad != nil {
			return nil, p.bad
		}
		answer, err := method(api, ctx, who, request)
		if err != nil {
			return nil, err
		}
		return render(dst, answer), nil
	}
}

// nothing is the parameters, or the answer, of an operation that has none.
type nothing struct{}

func deleteFlow(api cloudflow.API, ctx context.Context, caller cloudflow.Caller, r cloudflow.DeleteFlowRequest) (nothing, error) {
	return nothing{}, api.DeleteFlow(ctx, caller, r)
}

func describeRegions(api cloudflow.API, ctx context.Context, caller cloudflow.Caller, _ nothing) ([]cloudflow.Region, error) {
	return api.DescribeRegions(ctx, caller)
}

// IsOperation tells whether the server has an operation of this name.
func IsOperation(name string) bool { return operations[name] != nil }
