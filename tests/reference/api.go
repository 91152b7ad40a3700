package reference

import (
	"encoding/json"
	"time"
)

// Read parses a history in the form of GetExecutionHistory: any value that encodes to the JSON
// array of its Events (docs/api.md#getexecutionhistory), for example the events that a client
// returns.
func Read(history any) ([]Event, error) {
	text, err := json.Marshal(history)
	if err != nil {
		return nil, err
	}
	var shown []struct {
		Type, StepName, EventDetail string
		EventID                     int64 `json:"EventId"`
		ScheduleEventID             int64 `json:"ScheduleEventId"`
		Time                        time.Time
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, err
	}
	events := make([]Event, len(shown))
	for i, e := range shown {
		events[i] = Event{ID: e.EventID, Schedule: e.ScheduleEventID, Type: e.Type,
			Step: e.StepName, Detail: e.EventDetail, Time: e.Time.UnixMilli()}
	}
	return events, nil
}

// CheckHistory is Check for a history in the form of GetExecutionHistory, if nothing else is known
// about the execution. It takes the results of tasks from the history. Times have no upper bound.
func CheckHistory(definition, input string, context Context, flowV1 bool, history any) error {
	events, err := Read(history)
	if err != nil {
		return err
	}
	return Check(definition, input, context, events, Record{Late: -1, Limits: Defaults(flowV1)})
}

// Defaults returns the default limits of a language: docs/statemachine.md#limits,
// docs/flowv1.md#limits.
func Defaults(flowV1 bool) Limits {
	l := Limits{Events: 5000, Data: 64 << 10, WaitSeconds: 300, WaitSecondsV1: 172_800,
		MapConcurrency: 40, MapConcurrencyMax: 100, IterationsV1: 100, TaskSeconds: 604_800,
		ExecutionSeconds: 31_536_000}
	if flowV1 {
		l.Data = 32 << 10
	}
	return l
}
