package server

import "millrace/shared/cloudflow"

// One function per operation: it turns the parameters (docs/api.md) into the service's request.

func readNothing(*params) nothing { return nothing{} }

func readCreateFlow(p *params) cloudflow.CreateFlowRequest {
	return cloudflow.CreateFlowRequest{
		Name: p.str("Name"), Definition: p.str("Definition"), Description: p.str("Description"),
		Type: p.str("Type"), RoleArn: p.str("RoleArn"), ExecutionMode: p.str("ExecutionMode"),
		ExternalStorageLocation: p.str("ExternalStorageLocation"),
		Environment:             p.str("Environment"), ResourceGroupID: p.str("ResourceGroupId"),
		HiddenPaths: p.str("HiddenPaths"), SearchKeys: p.str("SearchKeys"),
	}
}

func readUpdateFlow(p *params) cloudflow.UpdateFlowRequest {
	return cloudflow.UpdateFlowRequest{
		Name: p.str("Name"), Definition: p.opt("Definition"), Description: p.opt("Description"),
		Type: p.opt("Type"), RoleArn: p.opt("RoleArn"), Environment: p.opt("Environment"),
		ExternalStorageLocation: p.opt("ExternalStorageLocation"),
		HiddenPaths:             p.opt("HiddenPaths"),
		SearchKeys:              p.opt("SearchKeys"),
	}
}

func readDescribeFlow(p *params) cloudflow.DescribeFlowRequest {
	return cloudflow.DescribeFlowRequest{Name: p.str("Name"), FlowVersion: p.str("FlowVersion")}
}

func readDeleteFlow(p *params) cloudflow.DeleteFlowRequest {
	return cloudflow.DeleteFlowRequest{Name: p.str("Name")}
}

func readListFlows(p *params) cloudflow.ListFlowsRequest {
	return cloudflow.ListFlowsRequest{
		NextToken: p.str("NextToken"), Limit: p.integer("Limit"),
		ResourceGroupID: p.str("ResourceGroupId"),
	}
}

func readStartExecution(p *params) cloudflow.StartExecutionRequest {
	r := readStartSyncExecution(p)
	r.CallbackToken = p.str("CallbackFnFTaskToken")
	return r
}

func readStartSyncExecution(p *params) cloudflow.StartExecutionRequest {
	return cloudflow.StartExecutionRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"), Input: p.str("Input"),
		Qualifier: p.str("Qualifier"),
	}
}

func readStopExecution(p *params) cloudflow.StopExecutionRequest {
	return cloudflow.StopExecutionRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"), Error: p.opt("Error"),
		Cause: p.opt("Cause"),
	}
}

func readDeleteExecution(p *params) cloudflow.DeleteExecutionRequest {
	return cloudflow.DeleteExecutionRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"),
	}
}

func readDescribeExecution(p *params) cloudflow.DescribeExecutionRequest {
	return cloudflow.DescribeExecutionRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"),
		WaitTimeSeconds: p.integer("WaitTimeSeconds"),
	}
}

func readListExecutions(p *params) cloudflow.ListExecutionsRequest {
	return cloudflow.ListExecutionsRequest{
		FlowName: p.str("FlowName"), NextToken: p.str("NextToken"), Status: p.str("Status"),
		Limit: p.integer("Limit"), StartedTimeBegin: p.str("StartedTimeBegin"),
		StartedTimeEnd: p.str("StartedTimeEnd"), ExecutionNamePrefix: p.str("ExecutionNamePrefix"),
		MetadataOnly: p.boolean("MetadataOnly"), Qualifier: p.str("Qualifier"),
		MapRunName: p.str("MapRunName"), StateName: p.str("StateName"),
		ErrorName: p.str("ErrorName"), GroupKey: p.str("GroupKey"), Source: p.str("Source"),
		SearchKey: p.str("SearchKey"), SearchValue: p.str("SearchValue"),
		SearchValuePrefix: p.str("SearchValuePrefix"),
	}
}

func readCreateSchedule(p *params) cloudflow.CreateScheduleRequest {
	return cloudflow.CreateScheduleRequest{
		FlowName: p.str("FlowName"), ScheduleName: p.str("ScheduleName"),
		CronExpression: p.str("CronExpression"), Description: p.str("Description"),
		Payload: p.str("Payload"), Qualifier: p.str("Qualifier"), Enable: p.boolean("Enable"),
	}
}

func readUpdateSchedule(p *params) cloudflow.UpdateScheduleRequest {
	return cloudflow.UpdateScheduleRequest{
		FlowName: p.str("FlowName"), ScheduleName: p.str("ScheduleName"),
		CronExpression: p.opt("CronExpression"), Description: p.opt("Description"),
		Payload: p.opt("Payload"), Qualifier: p.opt("Qualifier"), Enable: p.boolean("Enable"),
	}
}

func readSchedule(p *params) cloudflow.ScheduleRequest {
	return cloudflow.ScheduleRequest{FlowName: p.str("FlowName"),
		ScheduleName: p.str("ScheduleName")}
}

func readListOfFlow(p *params) cloudflow.ListOfFlowRequest {
	return cloudflow.ListOfFlowRequest{
		FlowName: p.str("FlowName"), NextToken: p.str("NextToken"), Limit: p.integer("Limit"),
	}
}

func readGetExecutionHistory(p *params) cloudflow.GetExecutionHistoryRequest {
	return cloudflow.GetExecutionHistoryRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"),
		NextToken: p.str("NextToken"), Limit: p.integer("Limit"),
		ReverseOrder:    p.boolean("ReverseOrder"),
		WaitTimeSeconds: p.integer("WaitTimeSeconds"),
	}
}

func readRedriveExecution(p *params) cloudflow.RedriveExecutionRequest {
	return cloudflow.RedriveExecutionRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"),
		RedriveCount: p.integer("RedriveCount"),
	}
}

func readMapRun(p *params) cloudflow.MapRunRequest {
	return cloudflow.MapRunRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"),
		MapRunName: p.str("MapRunName"),
	}
}

func readUpdateMapRun(p *params) cloudflow.UpdateMapRunRequest {
	return cloudflow.UpdateMapRunRequest{
		FlowName: p.str("FlowName"), ExecutionName: p.str("ExecutionName"),
		MapRunName: p.str("MapRunName"), Concurrency: p.integer("Concurrency"),
		ToleratedFailedCount:      p.integer("ToleratedFailedCount"),
		ToleratedFailedPercentage: p.decimal("ToleratedFailedPercentage"),
	}
}

func readReportTaskSucceeded(p *params) cloudflow.ReportTaskSucceededRequest {
	return cloudflow.ReportTaskSucceededRequest{TaskToken: p.str("TaskToken"),
		Output: p.str("Output")}
}

func readReportTaskFailed(p *params) cloudflow.ReportTaskFailedRequest {
	return cloudflow.ReportTaskFailedRequest{
		TaskToken: p.str("TaskToken"), Error: p.str("Error"), Cause: p.opt("Cause"),
	}
}
