// Package cloudflow is the service behind the wire: one method per operation of the CloudFlow API,
// with its checks, faults and name claims. Its errors are *fault.Error with the codes of
// docs/api.md#errors. An optional string that is absent is ""; optional flags and numbers are
// pointers. A response shows only durable state. The package knows nothing of HTTP.
package cloudflow

import (
	"millrace/shared/access"
	"millrace/shared/flow"
)

// Caller is the sender of a request, as the wire has verified it.
type Caller struct {
	Account   string // owner of every resource that the caller sees
	AccessKey string // "" when the server is open
	Identity  string // public id of the key or bearer token, stable; "" when the server is open
	Nonce     string // signature nonce, "" when unsigned
	Timestamp string // of the signature, as sent
	RequestID string // the id that the response carries
	Region    string
	Host      string // the Host that the request names
	// May reports whether the caller's policy allows an action ("fnf:StartExecution") on a resource
	// ("acs:fnf:<region>:<account>:flow/<name>"). nil allows everything.
	May access.May
	// FlowPrincipal is "role <ARN>" or "key <id>" when a flow makes the request: the identity that
	// the flow acts with. It is "" when a client makes the request.
	FlowPrincipal string
	// Source is that of executions that are started, as of store.Execution, if it does not follow
	// from Identity: an event makes the request.
	Source string
}

// CreateFlowRequest holds the parameters of CreateFlow (docs/api.md#createflow). Environment is the
// JSON text as sent.
type CreateFlowRequest struct {
	Name, Definition, Description, Type, RoleArn        string
	ExecutionMode, ExternalStorageLocation, Environment string
	ResourceGroupID                                     string
	HiddenPaths, SearchKeys                             string // JSON
}

// UpdateFlowRequest holds the parameters of UpdateFlow (docs/api.md#updateflow). A nil field keeps
// the stored value.
type UpdateFlowRequest struct {
	Name                                                                         string
	Definition, Description, Type, RoleArn, Environment, ExternalStorageLocation *string
	HiddenPaths, SearchKeys                                                      *string // JSON
}

// DescribeFlowRequest names a flow, and a version of it; FlowVersion "": the current definition.
type DescribeFlowRequest struct{ Name, FlowVersion string }

// DeleteFlowRequest names a flow.
type DeleteFlowRequest struct{ Name string }

// ListFlowsRequest pages through an account's flows by name.
type ListFlowsRequest struct {
	NextToken       string
	Limit           *int64
	ResourceGroupID string
}

// Flow is a flow as the wire shows it.
type Flow struct {
	ID, Name, Type, Definition, Description, RoleArn string
	ExecutionMode, ExternalStorageLocation           string
	ResourceGroupID                                  string
	CreatedTime, LastModifiedTime                    int64 // ms since 1970
	Environment                                      []flow.Variable
	HiddenPaths                                      []string
	SearchKeys                                       []flow.SearchPath
}

// FlowPage is one page of flows.
type FlowPage struct {
	Flows     []Flow
	NextToken string
}

// StartExecutionRequest holds the parameters of StartExecution and StartSyncExecution
// (docs/api.md#startexecution).
type StartExecutionRequest struct {
	FlowName, ExecutionName, Input string
	CallbackToken                  string // CallbackFnFTaskToken
	Qualifier                      string
}

// StopExecutionRequest holds the parameters of StopExecution. Error and Cause are nil if absent.
type StopExecutionRequest struct {
	FlowName, ExecutionName string
	Error, Cause            *string
}

// DeleteExecutionRequest names an execution that has ended.
type DeleteExecutionRequest struct{ FlowName, ExecutionName string }

// RedriveExecutionRequest holds the parameters of RedriveExecution. RedriveCount is how often the
// execution was redriven before; nil: the caller does not say.
type RedriveExecutionRequest struct {
	FlowName, ExecutionName string
	RedriveCount            *int64
}

// DescribeExecutionRequest names an execution. If WaitTimeSeconds is above 0, DescribeExecution
// waits for its end.
type DescribeExecutionRequest struct {
	FlowName, ExecutionName string
	WaitTimeSeconds         *int64
}

// ListExecutionsRequest holds the filters of ListExecutions (docs/api.md#listexecutions).
type ListExecutionsRequest struct {
	FlowName, NextToken, Status      string
	Limit                            *int64
	StartedTimeBegin, StartedTimeEnd string // RFC 3339
	ExecutionNamePrefix              string
	MetadataOnly                     *bool
	Qualifier, MapRunName            string
	// Filters that CloudFlow does not have.
	StateName, ErrorName, GroupKey, Source    string
	SearchKey, SearchValue, SearchValuePrefix string
}

// GetExecutionHistoryRequest pages through an execution's events.
type GetExecutionHistoryRequest struct {
	FlowName, ExecutionName, NextToken string
	Limit                              *int64
	ReverseOrder                       *bool  // the newest event first
	WaitTimeSeconds                    *int64 // for the first event, if there is none yet
}

// ReportTaskSucceededRequest reports a task's result by its token.
type ReportTaskSucceededRequest struct{ TaskToken, Output string }

// ReportTaskFailedRequest reports a task's error by its token.
type ReportTaskFailedRequest struct {
	TaskToken, Error string
	Cause            *string
}

// Execution is an execution as the wire shows it. Output is "" unless the execution succeeded.
type Execution struct {
	FlowName, Name, FlowDefinition, Input, Output, Status string
	RoleArn                                               string
	// In ms since 1970. StoppedTime is 0 while the execution runs.
	StartedTime, StoppedTime int64
	Environment              []flow.Variable
	MetadataOnly             bool // without FlowDefinition, Input, Output
	// The execution that waits for the end of this one, and the MapRun that it belongs to; "" if
	// there is none, or the caller may not describe that execution.
	ParentFlowName, ParentExecutionName, MapRunName string
	// Hidden is nil if the caller sees all payloads, or may not describe executions.
	Hidden *Hidden
	// RedriveCount is how often it was redriven, RedriveDate when the last time, in ms since 1970.
	RedriveCount, RedriveDate int64
	// What lists find it by: see store.Summary.
	Source, FailedState, ErrorName, GroupKey string
	SearchKeys                               []flow.SearchKey
}

// SyncExecution is the response of StartSyncExecution.
type SyncExecution struct {
	Execution
	ErrorCode, ErrorMessage string
}

// ExecutionPage is one page of executions, newest first.
type ExecutionPage struct {
	Executions []Execution
	NextToken  string
}

// Event is one history event as the wire shows it. Detail is JSON text.
type Event struct {
	ID, ScheduleID int64
	Type, StepName string
	Detail         string
	Time           int64 // ms since 1970
	Hidden         bool  // Detail lacks payloads that the caller may not see
}

// EventPage is one page of a history, oldest first.
type EventPage struct {
	Events    []Event
	NextToken string
}

// ListOfFlowRequest pages through the resources of a flow: its schedules, versions or aliases.
type ListOfFlowRequest struct {
	FlowName, NextToken string
	Limit               *int64
}

// CreateScheduleRequest holds the parameters of CreateSchedule (docs/api.md#createschedule). Enable
// is true if it is absent.
type CreateScheduleRequest struct {
	FlowName, ScheduleName, CronExpression, Description, Payload string
	Qualifier                                                    string
	Enable                                                       *bool
}

// UpdateScheduleRequest holds the parameters of UpdateSchedule (docs/api.md#updateschedule). A nil
// field keeps the stored value.
type UpdateScheduleRequest struct {
	FlowName, ScheduleName                          string
	CronExpression, Description, Payload, Qualifier *string
	Enable                                          *bool
}

// ScheduleRequest names a schedule.
type ScheduleRequest struct{ FlowName, ScheduleName string }

// Schedule is a schedule as the wire shows it. Payload is JSON text as sent.
type Schedule struct {
	ID, Name, Description, Payload, CronExpression string
	Qualifier                                      string
	Enable                                         bool
	CreatedTime, LastModifiedTime                  int64   // ms since 1970
	Hidden                                         *Hidden // nil: the caller sees the payload
}

// SchedulePage is one page of schedules, by name.
type SchedulePage struct {
	Schedules []Schedule
	NextToken string
}

// Region is a region as DescribeRegions shows it.
type Region struct{ ID, LocalName, Endpoint string }
