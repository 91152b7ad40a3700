package server

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// One function per response: it appends the fields of docs/api.md, in that order. Strings are
// always present, "" if they have no value; lists are always present; Environment is present only
// if it has variables. No response has a key named Code, because the npm client takes such a
// response for an error.

func appendNothing(dst []byte, _ nothing) []byte { return dst }

func appendFlow(dst []byte, f *cloudflow.Flow) []byte {
	dst = field(dst, "Id", f.ID)
	dst = field(dst, "Name", f.Name)
	dst = field(dst, "Type", f.Type)
	dst = field(dst, "Definition", f.Definition)
	dst = field(dst, "Description", f.Description)
	dst = field(dst, "RoleArn", f.RoleArn)
	dst = field(dst, "ExecutionMode", f.ExecutionMode)
	dst = field(dst, "ExternalStorageLocation", f.ExternalStorageLocation)
	dst = field(dst, "ResourceGroupId", f.ResourceGroupID)
	dst = timeField(dst, "CreatedTime", f.CreatedTime)
	dst = timeField(dst, "LastModifiedTime", f.LastModifiedTime)
	dst = environment(dst, f.Environment, true)
	dst = texts(dst, "HiddenPaths", f.HiddenPaths)
	if len(f.SearchKeys) == 0 {
		return dst
	}
	dst = append(name(dst, "SearchKeys"), '[')
	for _, k := range f.SearchKeys {
		dst = field(element(dst), "Name", k.Name)
		dst = append(field(dst, "Path", k.Path), '}')
	}
	return append(dst, ']')
}

func appendFlowPage(dst []byte, p *cloudflow.FlowPage) []byte {
	dst = append(name(dst, "Flows"), '[')
	for i := range p.Flows {
		dst = append(appendFlow(element(dst), &p.Flows[i]), '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}

func appendStarted(dst []byte, e *cloudflow.Execution) []byte {
	return appendHidden(appendStatusOf(dst, e), e.Hidden)
}

// appendStatusOf appends what every response has of an execution.
func appendStatusOf(dst []byte, e *cloudflow.Execution) []byte {
	dst = field(dst, "FlowName", e.FlowName)
	dst = field(dst, "Name", e.Name)
	if !e.MetadataOnly {
		dst = field(dst, "FlowDefinition", e.FlowDefinition)
		dst = field(dst, "Input", e.Input)
		dst = field(dst, "Output", e.Output)
	}
	return appendStatus(dst, e)
}

// appendStatus appends the status and the times.
func appendStatus(dst []byte, e *cloudflow.Execution) []byte {
	dst = field(dst, "Status", e.Status)
	dst = timeField(dst, "StartedTime", e.StartedTime)
	return timeField(dst, "StoppedTime", e.StoppedTime)
}

// appendHidden appends what the response does not show of payloads; nothing if it shows all.
func appendHidden(dst []byte, h *cloudflow.Hidden) []byte {
	if h == nil {
		return dst
	}
	dst = append(name(dst, "Hidden"), '{')
	dst = appendShape(dst, "Input", h.Input)
	dst = appendShape(dst, "Output", h.Output)
	dst = appendShape(dst, "ErrorMessage", h.ErrorMessage)
	dst = appendShape(dst, "Payload", h.Payload)
	return append(texts(dst, "Paths", h.Paths), '}')
}

func appendShape(dst []byte, n string, s *cloudflow.Shape) []byte {
	if s == nil {
		return dst
	}
	dst = field(append(name(dst, n), '{'), "Type", s.Type)
	dst = intField(dst, "Members", int64(s.Members))
	return append(intField(dst, "Bytes", int64(s.Bytes)), '}')
}

func appendStopped(dst []byte, e *cloudflow.Execution) []byte {
	dst = appendStatusOf(dst, e)
	if e.RoleArn != "" {
		dst = field(dst, "RoleArn", e.RoleArn)
	}
	return appendHidden(dst, e.Hidden)
}

func appendDescribed(dst []byte, e *cloudflow.Execution) []byte {
	dst = environment(appendStatusOf(dst, e), e.Environment, false)
	if e.ParentExecutionName != "" {
		dst = field(dst, "ParentFlowName", e.ParentFlowName)
		dst = field(dst, "ParentExecutionName", e.ParentExecutionName)
	}
	if e.MapRunName != "" {
		dst = field(dst, "MapRunName", e.MapRunName)
	}
	if e.RedriveCount > 0 {
		dst = intField(dst, "RedriveCount", e.RedriveCount)
		dst = timeField(dst, "RedriveDate", e.RedriveDate)
	}
	return appendHidden(appendFound(dst, e), e.Hidden)
}

// appendFound appends what lists find an execution by, as far as it has that.
func appendFound(dst []byte, e *cloudflow.Execution) []byte {
	for _, f := range [...]struct{ name, value string }{
		{"Source", e.Source}, {"FailedState", e.FailedState}, {"ErrorName", e.ErrorName},
		{"GroupKey", e.GroupKey},
	} {
		if f.value != "" {
			dst = field(dst, f.name, f.value)
		}
	}
	if len(e.SearchKeys) == 0 {
		return dst
	}
	dst = append(name(dst, "SearchKeys"), '[')
	for _, k := range e.SearchKeys {
		dst = field(element(dst), "Name", k.Name)
		dst = append(field(dst, "Value", k.Value), '}')
	}
	return append(dst, ']')
}

func appendSyncExecution(dst []byte, e *cloudflow.SyncExecution) []byte {
	dst = field(dst, "FlowName", e.FlowName)
	dst = field(dst, "Name", e.Name)
	dst = field(dst, "Output", e.Output)
	dst = appendStatus(dst, &e.Execution)
	dst = field(dst, "ErrorCode", e.ErrorCode)
	dst = field(dst, "ErrorMessage", e.ErrorMessage)
	return appendHidden(environment(dst, e.Environment, false), e.Hidden)
}

func appendExecutionPage(dst []byte, p *cloudflow.ExecutionPage) []byte {
	dst = append(name(dst, "Executions"), '[')
	for i := range p.Executions {
		dst = append(appendDescribed(element(dst), &p.Executions[i]), '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}

func appendEventPage(dst []byte, p *cloudflow.EventPage) []byte {
	dst = append(name(dst, "Events"), '[')
	for i := range p.Events {
		e := &p.Events[i]
		dst = field(element(dst), "Type", e.Type)
		dst = field(dst, "StepName", e.StepName)
		dst = intField(dst, "EventId", e.ID)
		dst = intField(dst, "ScheduleEventId", e.ScheduleID)
		dst = field(dst, "EventDetail", e.Detail)
		dst = timeField(dst, "Time", e.Time)
		if e.Hidden {
			dst = strconv.AppendBool(name(dst, "Hidden"), true)
		}
		dst = append(dst, '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}

func appendMapRun(dst []byte, r *cloudflow.MapRun) []byte {
	dst = field(dst, "MapRunName", r.Name)
	dst = field(dst, "ExecutionName", r.ExecutionName)
	dst = field(dst, "Status", r.Status)
	dst = timeField(dst, "StartedTime", r.StartedTime)
	dst = timeField(dst, "StoppedTime", r.StoppedTime)
	dst = appendMapRunSettings(dst, r)
	n := &r.ItemCounts
	dst = append(name(dst, "ItemCounts"), '{')
	dst = intField(dst, "Total", int64(n.Total))
	dst = intField(dst, "Pending", int64(n.Pending))
	dst = intField(dst, "Running", int64(n.Running))
	dst = intField(dst, "Succeed", int64(n.Succeed))
	dst = intField(dst, "Failed", int64(n.Failed))
	return append(intField(dst, "Aborted", int64(n.Aborted)), '}')
}

func appendUpdatedMapRun(dst []byte, r *cloudflow.MapRun) []byte {
	dst = field(dst, "FlowName", r.FlowName)
	dst = field(dst, "ExecutionName", r.ExecutionName)
	return appendMapRunSettings(field(dst, "MapRunName", r.Name), r)
}

// appendMapRunSettings appends what UpdateMapRun can change.
func appendMapRunSettings(dst []byte, r *cloudflow.MapRun) []byte {
	dst = intField(dst, "Concurrency", r.Concurrency)
	dst = intField(dst, "ToleratedFailedCount", r.ToleratedFailedCount)
	return strconv.AppendFloat(name(dst, "ToleratedFailedPercentage"), r.ToleratedFailedPercentage,
		'f', -1, 64)
}

func appendSchedule(dst []byte, s *cloudflow.Schedule) []byte {
	dst = field(dst, "ScheduleId", s.ID)
	dst = field(dst, "ScheduleName", s.Name)
	dst = field(dst, "Description", s.Description)
	dst = field(dst, "Payload", s.Payload)
	dst = field(dst, "CronExpression", s.CronExpression)
	if s.Qualifier != "" {
		dst = field(dst, "Qualifier", s.Qualifier)
	}
	dst = strconv.AppendBool(name(dst, "Enable"), s.Enable)
	dst = timeField(dst, "CreatedTime", s.CreatedTime)
	return appendHidden(timeField(dst, "LastModifiedTime", s.LastModifiedTime), s.Hidden)
}

func appendSchedulePage(dst []byte, p *cloudflow.SchedulePage) []byte {
	dst = append(name(dst, "Schedules"), '[')
	for i := range p.Schedules {
		dst = append(appendSchedule(element(dst), &p.Schedules[i]), '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}

func appendEventID(dst []byte, id int64) []byte { return intField(dst, "EventId", id) }

// appendRegions nests the list in an object, as the API declares it.
func appendRegions(dst []byte, regions []cloudflow.Region) []byte {
	dst = append(name(dst, "Regions"), `{"Region":[`...)
	for _, r := range regions {
		dst = field(element(dst), "RegionId", r.ID)
		dst = field(dst, "LocalName", r.LocalName)
		dst = append(field(dst, "RegionEndpoint", r.Endpoint), '}')
	}
	return append(dst, "]}"...)
}

// environment appends the variables of a flow, with their descriptions, or those of an execution.
func environment(dst []byte, variables []flow.Variable, described bool) []byte {
	if len(variables) == 0 {
		return dst
	}
	dst = append(name(dst, "Environment"), `{"Variables":[`...)
	for _, v := range variables {
		dst = field(element(dst), "Name", v.Name)
		dst = field(dst, "Value", v.Value)
		if described {
			dst = field(dst, "Description", v.Description)
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}"...)
}

// texts appends a list of texts, unless it is empty.
func texts(dst []byte, n string, list []string) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(name(dst, n), '[')
	for i, text := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, text)
	}
	return append(dst, ']')
}

// nextToken appends the token, unless the page is the last.
func nextToken(dst []byte, token string) []byte {
	if token == "" {
		return dst
	}
	return field(dst, "NextToken", token)
}

// name appends the key of a field.
func name(dst []byte, n string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, n...)
	return append(dst, '"', ':')
}

// element opens an object in a list.
func element(dst []byte) []byte {
	if dst[len(dst)-1] != '[' {
		dst = append(dst, ',')
	}
	return append(dst, '{')
}

func field(dst []byte, n, v string) []byte { return appendText(name(dst, n), v) }

func intField(dst []byte, n string, v int64) []byte {
	return strconv.AppendInt(name(dst, n), v, 10)
}

// timeLayout is UTC in milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// timeField appends a time, given in milliseconds since 1970; 0 (not set yet) becomes "".
func timeField(dst []byte, n string, ms int64) []byte {
	dst = append(name(dst, n), '"')
	if ms != 0 {
		dst = time.UnixMilli(ms).UTC().AppendFormat(dst, timeLayout)
	}
	return append(dst, '"')
}

// appendText appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return value.AppendString(dst, s)
}
