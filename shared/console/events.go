package console

import (
	"context"
	"strings"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/graph"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// What a page reads of the history of an execution at most: events, and bytes of their details.
// Home reads less, because it reads several.
const (
	eventsMax    = 5000
	detailsMax   = 2 << 20
	homeBytesMax = 256 << 10
)

// events is what a page knows of the history of an execution.
type events struct {
	All  []client.Event
	Run  *graph.Run
	More bool // there are events that the page has not read

	places    *history.Places
	failures  history.Failures
	tasks     history.Tasks
	scheduled map[*history.Place]*client.Event // the latest TaskScheduled of a state
}

// events reads the history of an execution: eventsMax events at most, and then no more once their
// details have bytesMax bytes.
func (pr *pageRequest) events(
	ctx context.Context, flowName, name string, bytesMax int,
) (*events, error) {
	h := &events{Run: graph.NewRun(), places: history.NewPlaces(),
		scheduled: map[*history.Place]*client.Event{}}
	limit, token := int64(500), ""
	for {
		got, err := pr.api.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{
			FlowName: flowName, ExecutionName: name, NextToken: token, Limit: &limit})
		if err != nil {
			return nil, err
		}
		for i := range got.Events {
			h.add(&got.Events[i])
			bytesMax -= len(got.Events[i].EventDetail)
		}
		if token = got.NextToken; token == "" || len(h.All) >= eventsMax || bytesMax <= 0 {
			h.More = token != ""
			return h, nil
		}
	}
}

func (h *events) add(e *client.Event) {
	h.All = append(h.All, *e)
	h.Run.Add(graph.Event{ID: e.EventID, Follows: e.ScheduleEventID, Type: e.Type, State: e.StepName})
	at := h.places.Add(e)
	h.failures.Add(e)
	h.tasks.Add(e, at)
	if e.Type == "TaskScheduled" {
		h.scheduled[at] = e
	}
}

// firstFailure is where an execution failed first.
type firstFailure struct {
	State   string // "" if no state failed
	Place   string // the state with its branch or item: Fetch[17]
	Error   *flow.Error
	Event   int64
	Attempt int    // of a task; 0 if it was none
	Given   string // what the task was given, JSON text; "" if it is not known
}

// firstFailure follows the last event's failure back to the state that failed first; nil if the
// execution did not fail.
func (h *events) firstFailure() *firstFailure {
	if len(h.All) == 0 {
		return nil
	}
	last := &h.All[len(h.All)-1]
	if history.ErrorOf(last) == nil || !strings.HasPrefix(last.Type, "Execution") {
		return nil
	}
	e := h.failures.First(last)
	first := &firstFailure{Error: history.ErrorOf(e), Event: e.EventID}
	if at := h.places.Of(e.EventID); at != nil {
		first.State, first.Place, first.Attempt = at.State, at.String(), at.Attempt
		if scheduled := h.scheduled[at]; scheduled != nil {
			first.Given = parametersOf(scheduled)
		}
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

// waitingTask is a task that waits for a report of its result.
type waitingTask struct {
	State string // with its branch or item: Ask[2]
	Event int64  // the id of its TaskScheduled
	Since client.Timestamp

	// token is what a report needs; "" if the flow does not put it into the task's parameters. A
	// page never shows it.
	token string
}

// HasToken reports whether the result can be reported from the page.
func (t waitingTask) HasToken() bool { return t.token != "" }

// waitingTasks returns the tasks that wait for a report.
func (h *events) waitingTasks(execution string) (tasks []waitingTask) {
	for _, task := range h.tasks.Open() {
		if task.Submitted != nil {
			tasks = append(tasks, waitingTask{task.At.String(), task.Scheduled.EventID,
				task.Submitted.Time, task.Token(execution)})
		}
	}
	return tasks
}
