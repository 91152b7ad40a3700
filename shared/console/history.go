package console

import (
	"encoding/base64"
	"strings"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/graph"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// historyMax is how many events of an execution a page reads at most.
const historyMax = 5000

// history is what a page knows of the events of an execution.
type history struct {
	Events []client.Event
	Run    *graph.Run
	More   bool // there are events that the page has not read

	failures map[int64]int // by id: the index of an event that has an error
	tasks    map[int64]int // by id of any event of a task's attempt: the index of TaskScheduled
	waiting  map[int64]int // by index of TaskScheduled: the index of TaskSubmitted
}

// history reads the events of an execution, historyMax at most.
func (v *visit) history(flowName, name string) (*history, error) {
	h := &history{Run: graph.NewRun(), failures: map[int64]int{}, tasks: map[int64]int{},
		waiting: map[int64]int{}}
	limit, token := int64(1000), ""
	for {
		got, err := v.api.GetExecutionHistory(v.ctx, cloudflow.GetExecutionHistoryRequest{
			FlowName: flowName, ExecutionName: name, NextToken: token, Limit: &limit})
		if err != nil {
			return nil, err
		}
		for _, e := range got.Events {
			h.add(e)
		}
		if token = got.NextToken; token == "" || len(h.Events) >= historyMax {
			h.More = token != ""
			return h, nil
		}
	}
}

func (h *history) add(e client.Event) {
	i := len(h.Events)
	h.Events = append(h.Events, e)
	h.Run.Add(graph.Event{ID: e.EventID, Follows: e.ScheduleEventID, Type: e.Type, State: e.StepName})
	if errorOf(&e) != nil {
		h.failures[e.EventID] = i
	}
	scheduled, known := h.tasks[e.ScheduleEventID]
	switch e.Type {
	case "TaskScheduled":
		h.tasks[e.EventID] = i
		return
	case "TaskSubmitted":
		h.waiting[int64(scheduled)] = i
	case "TaskSucceeded", "TaskFailed", "TaskTimedOut":
		delete(h.waiting, int64(scheduled))
	}
	if known && !strings.HasSuffix(e.Type, "Entered") {
		h.tasks[e.EventID] = scheduled
	}
}

// errorOf returns the error of an event; nil if it has none.
func errorOf(e *client.Event) *flow.Error {
	var d struct {
		Error string `json:"error"`
		Cause string `json:"cause"`
	}
	if value.Unmarshal([]byte(e.EventDetail), &d) != nil || d.Error == "" {
		return nil
	}
	return &flow.Error{Name: d.Error, Cause: d.Cause}
}

// firstFailure is where an execution failed first.
type firstFailure struct {
	State   string // "" if no state failed
	Error   *flow.Error
	Event   int64
	Attempt int    // of a task; 0 if it was none
	Given   string // what the task was given, JSON text; "" if it is not known
}

// firstFailure follows the last event's failure back to the state that failed first; nil if the
// execution did not fail.
func (h *history) firstFailure() *firstFailure {
	if len(h.Events) == 0 {
		return nil
	}
	last := h.Events[len(h.Events)-1]
	if errorOf(&last) == nil || !strings.HasPrefix(last.Type, "Execution") {
		return nil
	}
	e := last
	for {
		before, failed := h.failures[e.ScheduleEventID]
		if !failed {
			break
		}
		e = h.Events[before]
	}
	first := &firstFailure{State: e.StepName, Error: errorOf(&e), Event: e.EventID}
	if v := h.Run.Visits[e.StepName]; v != nil {
		first.Attempt = v.Attempts
	}
	if scheduled, ok := h.tasks[e.EventID]; ok {
		first.Given = parametersOf(&h.Events[scheduled])
	}
	return first
}

// parametersOf returns what a task was given.
func parametersOf(scheduled *client.Event) string {
	var d struct {
		Input      text `json:"input"`
		Parameters text `json:"parameters"`
	}
	if value.Unmarshal([]byte(scheduled.EventDetail), &d) != nil {
		return ""
	}
	if d.Parameters != "" {
		return string(d.Parameters)
	}
	return string(d.Input)
}

// text is any JSON value as its own text.
type text string

// UnmarshalJSON keeps the bytes of a value.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = text(b)
	return nil
}

// waitingTask is a task that waits for somebody to report its result.
type waitingTask struct {
	State string
	Event int64 // the id of its TaskScheduled
	Since client.Timestamp
	Token bool // the history shows its token, so it can be reported here
}

// waitingTasks returns the tasks that wait for a report.
func (h *history) waitingTasks(execution string) (tasks []waitingTask) {
	for i := range h.Events {
		submitted, ok := h.waiting[int64(i)]
		if ok {
			tasks = append(tasks, waitingTask{h.Events[i].StepName, h.Events[i].EventID,
				h.Events[submitted].Time, h.tokenOf(h.Events[i].EventID, execution) != ""})
		}
	}
	return tasks
}

// tokenOf returns the token of a task, by the id of its TaskScheduled; "" if the flow does not put
// it into the task's parameters. A page never shows it.
func (h *history) tokenOf(id int64, execution string) string {
	i, ok := h.tasks[id]
	if !ok {
		return ""
	}
	detail, err := value.Decode([]byte(h.Events[i].EventDetail))
	if err != nil {
		return ""
	}
	return tokenIn(detail, execution)
}

// tokenIn returns the first text in a value that is a task token of the execution.
func tokenIn(v any, execution string) string {
	switch v := v.(type) {
	case string:
		raw, err := base64.StdEncoding.DecodeString(v)
		if err == nil && strings.Contains(string(raw), "#"+execution+"#") {
			return v
		}
		if inner, err := value.Decode([]byte(v)); err == nil {
			if _, isText := inner.(string); !isText {
				return tokenIn(inner, execution)
			}
		}
	case []any:
		for _, item := range v {
			if token := tokenIn(item, execution); token != "" {
				return token
			}
		}
	case map[string]any:
		for _, member := range v {
			if token := tokenIn(member, execution); token != "" {
				return token
			}
		}
	}
	return ""
}
