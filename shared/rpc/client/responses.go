package client

import (
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
)

// The responses as a client sees them. The names are those of the wire.

// Timestamp is a time in RFC 3339; "" if it is not set yet.
type Timestamp string

// Time parses the timestamp; it returns the zero time if that fails.
func (t Timestamp) Time() time.Time {
	parsed, _ := time.Parse(time.RFC3339, string(t))
	return parsed
}

// Environment holds the variables of a flow or an execution.
type Environment struct{ Variables []flow.Variable }

// Flow is the response of the operations on one flow, and an item of FlowList.
type Flow struct {
	RequestID                     string `json:"RequestId,omitempty"` // "" in a list
	ID                            string `json:"Id"`
	Name, Type                    string
	Definition, Description       string
	RoleArn, ExecutionMode        string
	ExternalStorageLocation       string
	ResourceGroupID               string `json:"ResourceGroupId"`
	CreatedTime, LastModifiedTime Timestamp
	Environment                   *Environment `json:",omitempty"` // nil without variables
	HiddenPaths                   []string     `json:",omitempty"`

	SearchKeys []flow.SearchPath `json:",omitempty"`
}

// FlowList is one page of flows; NextToken is "" on the last page.
type FlowList struct {
	RequestID string `json:"RequestId"`
	Flows     []Flow
	NextToken string `json:",omitempty"`
}

// Execution is the response of the operations on one execution, and an item of ExecutionList.
// FlowDefinition, Input and Output are "" if only metadata was requested.
type Execution struct {
	RequestID                string `json:"RequestId,omitempty"` // "" in a list
	FlowName, Name           string
	FlowDefinition           string
	Input, Output            string
	Status                   string
	StartedTime, StoppedTime Timestamp
	RoleArn                  string       `json:",omitempty"` // of StopExecution only
	Environment              *Environment `json:",omitempty"` // nil without variables

	// Of DescribeExecution only: the execution that waits for the end of this one, and the MapRun
	// that it belongs to.
	ParentFlowName      string `json:",omitempty"`
	ParentExecutionName string `json:",omitempty"`
	MapRunName          string `json:",omitempty"`
	// Hidden is nil if all payloads are shown.
	Hidden *cloudflow.Hidden `json:",omitempty"`

	// How often the execution was redriven, and when the last time. Both are missing if it was not.
	RedriveCount int64     `json:",omitempty"`
	RedriveDate  Timestamp `json:",omitempty"`

	// What lists find it by; "" or nil if it has none, and on CloudFlow.
	Source      string           `json:",omitempty"`
	FailedState string           `json:",omitempty"`
	ErrorName   string           `json:",omitempty"`
	GroupKey    string           `json:",omitempty"`
	SearchKeys  []flow.SearchKey `json:",omitempty"`
}

// MapRun is the response of the operations on a MapRun. That of UpdateMapRun has the flow's name,
// and neither status nor times nor counts.
type MapRun struct {
	RequestID                 string `json:"RequestId"`
	FlowName                  string `json:",omitempty"`
	ExecutionName, MapRunName string
	Status                    string    `json:",omitempty"`
	StartedTime               Timestamp `json:",omitempty"`
	StoppedTime               Timestamp `json:",omitempty"`
	Concurrency               int64
	ToleratedFailedCount      int64
	ToleratedFailedPercentage float64
	ItemCounts                *cloudflow.ItemCounts `json:",omitempty"`
}

// SyncExecution is the result of an Express execution.
type SyncExecution struct {
	RequestID                string `json:"RequestId"`
	FlowName, Name           string
	Output, Status           string
	StartedTime, StoppedTime Timestamp
	ErrorCode, ErrorMessage  string
	Environment              *Environment      `json:",omitempty"` // nil without variables
	Hidden                   *cloudflow.Hidden `json:",omitempty"`
}

// ExecutionList is one page of executions; NextToken is "" on the last page.
type ExecutionList struct {
	RequestID  string `json:"RequestId"`
	Executions []Execution
	NextToken  string `json:",omitempty"`
}

// Event is one history event. EventDetail is JSON text.
type Event struct {
	Type, StepName  string
	EventID         int64 `json:"EventId"`
	ScheduleEventID int64 `json:"ScheduleEventId"`
	EventDetail     string
	Time            Timestamp
	Hidden          bool `json:",omitempty"` // EventDetail lacks payloads
}

// History is one page of history events; NextToken is "" on the last page.
type History struct {
	RequestID string `json:"RequestId"`
	Events    []Event
	NextToken string `json:",omitempty"`
}

// Schedule is the response of the operations on one schedule, and an item of ScheduleList. Payload
// is JSON text.
type Schedule struct {
	RequestID                     string `json:"RequestId,omitempty"` // "" in a list
	ScheduleID                    string `json:"ScheduleId"`
	ScheduleName                  string
	Description, Payload          string
	CronExpression                string
	Qualifier                     string `json:",omitempty"`
	Enable                        bool
	CreatedTime, LastModifiedTime Timestamp
	Hidden                        *cloudflow.Hidden `json:",omitempty"`
}

// ScheduleList is one page of schedules; NextToken is "" on the last page.
type ScheduleList struct {
	RequestID string `json:"RequestId"`
	Schedules []Schedule
	NextToken string `json:",omitempty"`
}

// Region is a region of CloudFlow.
type Region struct {
	RegionID                  string `json:"RegionId"`
	LocalName, RegionEndpoint string
}
