package clients_test

// The responses as in the documented models of the clients. Fields have the names of the wire.

type flowResponse struct {
	RequestId, Name, Id, Type, Definition, Description, RoleArn, ExecutionMode, CreatedTime,
	LastModifiedTime string
	Environment *environment
}

type environment struct{ Variables []variable }

type variable struct{ Name, Value, Description string }

type flowPage struct {
	RequestId, NextToken string
	Flows                []flowResponse
}

type execution struct {
	RequestId, FlowName, Name, FlowDefinition, Input, Output, Status, StartedTime,
	StoppedTime string
	// of StartSyncExecution
	ErrorCode, ErrorMessage string
	Environment             *environment
}

type executionPage struct {
	RequestId, NextToken string
	Executions           []execution
}

type event struct {
	Type, StepName, EventDetail, Time string
	EventId, ScheduleEventId          int64
}

type history struct {
	RequestId, NextToken string
	Events               []event
}

type reported struct {
	RequestId string
	EventId   int64
}

type regions struct {
	RequestId string
	Regions   struct {
		Region []struct{ RegionId, LocalName, RegionEndpoint string }
	}
}
