package console

import (
	"context"
	"strings"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// How far failureFromEnd follows a failure: events that it reads at once, and steps.
const (
	endEvents      = 20
	failureStepMax = 60
)

// failureFromEnd follows the failure of an execution back from its last event, so that it need not
// read what came before. It returns nil if the execution has not failed, or the endpoint cannot
// begin with the last event. The attempt, and the branch or item, are not known.
func (pr *pageRequest) failureFromEnd(
	ctx context.Context, flowName, name string,
) (*history.Failure, error) {
	last, err := pr.lastEvents(ctx, flowName, name, endEvents)
	if err != nil || len(last) == 0 || !strings.HasPrefix(last[0].Type, "Execution") ||
		history.ErrorOf(&last[0]) == nil {
		return nil, err
	}
	near := map[int64]*client.Event{}
	for i := range last {
		near[last[i].EventID] = &last[i]
	}
	before := func(e *client.Event) (*client.Event, error) {
		if e.ScheduleEventID <= 0 || e.ScheduleEventID >= e.EventID {
			return nil, nil
		}
		if at := near[e.ScheduleEventID]; at != nil {
			return at, nil
		}
		return pr.event(ctx, flowName, name, e.ScheduleEventID)
	}
	first := &last[0]
	for range failureStepMax {
		at, err := before(first)
		if err != nil {
			return nil, err
		}
		if at == nil || history.ErrorOf(at) == nil {
			return failureOf(first, before)
		}
		first = at
	}
	return failureOf(first, before)
}

// failureOf returns what an event says of a failure, and the start of its task.
func failureOf(
	e *client.Event, before func(*client.Event) (*client.Event, error),
) (*history.Failure, error) {
	f := &history.Failure{State: e.StepName, Place: e.StepName, Error: history.ErrorOf(e),
		Event: e.EventID}
	for at := e; at != nil && at.StepName == e.StepName; {
		if at.Type == "TaskScheduled" {
			f.Scheduled = at.EventID
			break
		}
		var err error
		if at, err = before(at); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// given returns what a task was given, by the event of its start; "" if that is not known.
func (pr *pageRequest) given(flowName, name string, scheduled int64) (string, error) {
	if scheduled == 0 {
		return "", nil
	}
	e, err := pr.event(pr.ctx, flowName, name, scheduled)
	if err != nil || e == nil {
		return "", err
	}
	return parametersOf(e), nil
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
