package history_test

import (
	"fmt"
	"testing"
	"time"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

const planned = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: All
States:
  - Name: All
    Type: Map
    ItemsPath: $Input.l
    Retry: [{Errors: [FnF.ALL], MaxAttempts: 1, IntervalSeconds: 1}]
    Processor:
      StartAt: Try
      States:
        - Name: Try
          Type: Task
          Action: HTTP:Request
          Parameters: {url: "http://x", method: get}
          Retry:
            - {Errors: [Busy], MaxAttempts: 2, IntervalSeconds: 3, BackoffRate: 2}
            - {Errors: [FnF.ALL], MaxAttempts: 0}
          Catch: [{Errors: [Late], Next: Note}]
          End: true
        - {Name: Note, Type: Pass, End: true}
    End: true
`

// TestPlan checks what places know from the definition: the items of a Map, those that have ended,
// and the next attempt of a task.
func TestPlan(t *testing.T) {
	type event struct {
		id, schedule        int64
		kind, state, detail string
		want, done          string
		next                time.Duration // after the event; -1: none
	}
	at := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	p := history.NewPlaces()
	p.Define(planned)
	for _, e := range []event{
		{2, 1, "StateEntered", "All", `{}`, "All", "", -1},
		{3, 2, "StateStarted", "All", `{"input":{"l":[1,2,3]}}`, "All", "0 of 3", -1},
		{4, 3, "StateEntered", "Try", `{}`, "Try[0]", "0 of 3", -1},
		{5, 3, "StateEntered", "Try", `{}`, "Try[1]", "0 of 3", -1},
		{6, 4, "TaskFailed", "Try", `{"error":"Busy"}`, "Try[0]", "0 of 3", 3 * time.Second},
		{7, 6, "TaskScheduled", "Try", `{}`, "Try[0]", "0 of 3", -1},
		{8, 7, "TaskFailed", "Try", `{"error":"Busy"}`, "Try[0]", "0 of 3", 6 * time.Second},
		{9, 8, "TaskFailed", "Try", `{"error":"Busy"}`, "Try[0]", "0 of 3", -1},
		{10, 5, "TaskTimedOut", "Try", `{}`, "Try[1]", "0 of 3", -1},
		{11, 5, "TaskFailed", "Try", `{"error":"Late"}`, "Try[1]", "0 of 3", -1},
		{12, 11, "StateFailed", "Try", `{}`, "Try[1]", "1 of 3", -1},
		{13, 12, "StateEntered", "Note", `{}`, "Note[1]", "0 of 3", -1},
		{14, 13, "StateSucceeded", "Note", `{}`, "Note[1]", "1 of 3", -1},
		{15, 3, "StateEntered", "Try", `{}`, "Try[2]", "1 of 3", -1},
		{16, 15, "StateSucceeded", "Try", `{}`, "Try[2]", "2 of 3", -1},
		{17, 9, "StateFailed", "Try", `{}`, "Try[0]", "3 of 3", -1},
		// the Map is tried again
		{18, 3, "StateEntered", "Try", `{}`, "Try[0]", "0 of 3", -1},
	} {
		got := p.Add(&client.Event{EventID: e.id, ScheduleEventID: e.schedule, Type: e.kind,
			StepName: e.state, EventDetail: e.detail, Time: "2027-01-15T08:00:00.000Z"})
		done, next := "", time.Duration(-1)
		if m := p.Of(2); m.Items > 0 {
			done = fmt.Sprintf("%d of %d", m.Scopes-m.Running, m.Items)
		}
		if !got.Next.IsZero() {
			next = got.Next.Sub(at)
		}
		if got.String() != e.want || done != e.done || next != e.next {
			t.Errorf("event %d: %s, %q, next after %v", e.id, got, done, next)
		}
	}
}

// TestPlanUnknown: what the definition does not say, or what is no definition, shows nothing.
func TestPlanUnknown(t *testing.T) {
	for _, text := range []string{"", "x", "Type: StateMachine\nSpecVersion: v1\nStartAt: All\n" +
		"States: [{Name: All, Type: Map, ItemsPath: $Global.l, End: true, Processor: " +
		"{StartAt: A, States: [{Name: A, Type: Pass, End: true}]}}]\n"} {
		p := history.NewPlaces()
		p.Define(text)
		p.Add(&client.Event{EventID: 2, ScheduleEventID: 1, Type: "StateEntered", StepName: "All"})
		at := p.Add(&client.Event{EventID: 3, ScheduleEventID: 2, Type: "StateStarted",
			StepName: "All", EventDetail: `{"input":{"l":[1]}}`})
		if at.Items != 0 {
			t.Errorf("%q: %d items", text, at.Items)
		}
	}
}
