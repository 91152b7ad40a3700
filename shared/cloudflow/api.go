// Package cloudflow is the service behind the wire: one method per operation of the CloudFlow API, with its
// checks, faults and name claims. It knows nothing of HTTP.
package cloudflow

import (
	"context"

	"millrace/shared/access"
)

// Caller is who makes a request, as the wire has verified it.
type Caller struct {
	Account   string // owner of everything the caller sees
	AccessKey string // "" when the server is open
	Identity  string // public id of the key or bearer token, stable; "" when the server is open
	Nonce     string // signature nonce, "" when unsigned
	Timestamp string // of the signature, as sent
	RequestID string // the id that the answer carries
	Region    string
	Host      string // host that the request was sent to
	// May tells whether the caller's policy allows an action ("fnf:StartExecution") on a resource
	// ("acs:fnf:<region>:<account>:flow/<name>"); nil allows everything.
	May access.May
	// FlowPrincipal is what a flow acts with, "role <ARN>" or "key <id>", when the caller is one; "" for a
	// client.
	FlowPrincipal string
}

// API is the operations. Faults are *fault.Error with the codes of api.md section 7. Optional strings are "" when
// absent; optional flags and numbers are pointers. What an answer shows is durable.
type API interface {
	CreateFlow(context.Context, Caller, CreateFlowRequest) (*Flow, error)
	UpdateFlow(context.Context, Caller, UpdateFlowRequest) (*Flow, error)
	DescribeFlow(context.Context, Caller, DescribeFlowRequest) (*Flow, error)
	DeleteFlow(context.Context, Caller, DeleteFlowRequest) error
	ListFlows(context.Context, Caller, ListFlowsRequest) (*FlowPage, error)
	StartExecution(context.Context, Caller, StartExecutionRequest) (*Execution, error)
	StartSyncExecution(context.Context, Caller, StartExecutionRequest) (*SyncExecution, error)
	StopExecution(context.Context, Caller, StopExecutionRequest) (*Execution, error)
	DescribeExecution(context.Context, Caller, DescribeExecutionRequest) (*Execution, error)
	ListExecutions(context.Context, Caller, ListExecutionsRequest) (*ExecutionPage, error)
	GetExecutionHistory(context.Context, Caller, GetExecutionHistoryRequest) (*EventPage, error)
	ReportTaskSucceeded(context.Context, Caller, ReportTaskSucceededRequest) (eventID int64, err error)
	ReportTaskFailed(context.Context, Caller, ReportTaskFailedRequest) (eventID int64, err error)
	ListSchedules(context.Context, Caller, ListOfFlowRequest) (EmptyPage, error)
	ListFlowVersions(context.Context, Caller, ListOfFlowRequest) (EmptyPage, error)
	ListFlowAliases(context.Context, Caller, ListOfFlowRequest) (EmptyPage, error)
	DescribeRegions(context.Context, Caller) ([]Region, error)
}

// Variable is one variable of a flow's environment.
type Variable struct {
	Name        string `json:"Name"`
	Value       string `json:"Value"`
	Description string `json:"Description,omitempty"`
}

// CreateFlowRequest is the parameters of CreateFlow (api.md 4.1). Environment is the JSON text as sent.
type CreateFlowRequest struct {
	Name, Definition, Description, Type, RoleArn        string
	ExecutionMode, ExternalStorageLocation, Environment string
	ResourceGroupID                                     string
}

// UpdateFlowRequest is the parameters of UpdateFlow (api.md 4.2); nil leaves the stored value.
type UpdateFlowRequest struct {
	Name                                                                         string
	Definition, Description, Type, RoleArn, Environment, ExternalStorageLocation *string
}

// DescribeFlowRequest names a flow. FlowVersion other than "" is answered with FlowVersionNotExists.
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
	Environment                                      []Variable
}

// FlowPage is one page of flows.
type FlowPage struct {
	Flows     []Flow
	NextToken string
}

// StartExecutionRequest is the parameters of StartExecution and StartSyncExecution (api.md 4.6, 4.7).
type StartExecutionRequest struct {
	FlowName, ExecutionName, Input string
	CallbackToken                  string // CallbackFnFTaskToken
	Qualifier                      string
}

// StopExecutionRequest is the parameters of StopExecution; Error and Cause nil when not given.
type StopExecutionRequest struct {
	FlowName, ExecutionName string
	Error, Cause            *string
}

// DescribeExecutionRequest names an execution; WaitTimeSeconds above 0 waits for its end.
type DescribeExecutionRequest struct {
	FlowName, ExecutionName string
	WaitTimeSeconds         *int64
}

// ListExecutionsRequest is the filters of ListExecutions (api.md 4.10).
type ListExecutionsRequest struct {
	FlowName, NextToken, Status      string
	Limit                            *int64
	StartedTimeBegin, StartedTimeEnd string // RFC 3339
	ExecutionNamePrefix              string
	MetadataOnly                     *bool
	Qualifier, MapRunName            string
}

// GetExecutionHistoryRequest pages through an execution's events.
type GetExecutionHistoryRequest struct {
	FlowName, ExecutionName, NextToken string
	Limit                              *int64
}

// ReportTaskSucceededRequest reports a result by token.
type ReportTaskSucceededRequest struct{ TaskToken, Output string }

// ReportTaskFailedRequest reports an error by token.
type ReportTaskFailedRequest struct {
	TaskToken, Error string
	Cause            *string
}

// Execution is an execution as the wire shows it. Output is "" unless it succeeded.
type Execution struct {
	FlowName, Name, FlowDefinition, Input, Output, Status string
	RoleArn                                               string
	StartedTime, StoppedTime                              int64 // ms since 1970; StoppedTime 0 while it runs
	Environment                                           []Variable
	MetadataOnly                                          bool // leave FlowDefinition, Input, Output out
}

// SyncExecution is the answer of StartSyncExecution.
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
}

// EventPage is one page of a history, oldest first.
type EventPage struct {
	Events    []Event
	NextToken string
}

// ListOfFlowRequest pages through what belongs to a flow: its schedules, versions or aliases.
type ListOfFlowRequest struct {
	FlowName, NextToken string
	Limit               *int64
}

// EmptyPage is the only page of a list of resources that a flow cannot have yet.
type EmptyPage struct{}

// Region is a region as DescribeRegions shows it.
type Region struct{ ID, LocalName, Endpoint string }
