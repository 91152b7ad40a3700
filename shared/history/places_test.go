package history_test

import (
	"fmt"
	"testing"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// TestPlaces checks the places of events in branches of items, in both dialects, and after them.
func TestPlaces(t *testing.T) {
	type event struct {
		id, schedule int64
		kind, state  string
		want         string
		attempt      int
		count        string
	}
	for name, events := range map[string][]event{
		"StateMachine": {
			{1, 0, "ExecutionStarted", "", "(execution)", 0, ""},
			{2, 1, "StateEntered", "All", "All", 0, ""},
			{3, 2, "StateStarted", "All", "All", 0, ""},
			{4, 3, "StateEntered", "Pair", "Pair[0]", 0, ""},
			{5, 3, "StateEntered", "Pair", "Pair[1]", 0, ""},
			{6, 5, "StateStarted", "Pair", "Pair[1]", 0, ""},
			{7, 6, "StateEntered", "A", "A[1][0]", 0, ""},
			{8, 6, "StateEntered", "B", "B[1][1]", 0, ""},
			{9, 7, "StateStarted", "A", "A[1][0]", 0, ""},
			{10, 9, "TaskScheduled", "A", "A[1][0]", 1, ""},
			{11, 10, "TaskFailed", "A", "A[1][0]", 1, ""},
			{12, 11, "TaskScheduled", "A", "A[1][0]", 2, ""},
			{13, 12, "TaskSucceeded", "A", "A[1][0]", 2, ""},
			{14, 13, "StateSucceeded", "A", "A[1][0]", 2, ""},
			{15, 14, "StateEntered", "After", "After[1][0]", 0, ""},
			{16, 15, "StateSucceeded", "Pair", "Pair[1]", 0, "2 branches"},
			{17, 16, "StateSucceeded", "All", "All", 0, "2 items"},
			{18, 17, "StateEntered", "Last", "Last", 0, ""},
		},
		"FlowV1": {
			{1, 0, "ExecutionStarted", "", "(execution)", 0, ""},
			{2, 1, "StepEntered", "all", "all", 0, ""},
			{3, 2, "StepStarted", "all", "all", 0, ""},
			{4, 3, "IterationEntered", "all", "all", 0, "1 items"},
			{5, 3, "IterationEntered", "all", "all", 0, "2 items"},
			{6, 5, "StepEntered", "choose", "choose[1]", 0, ""},
			{7, 6, "StepStarted", "choose", "choose[1]", 0, ""},
			{8, 7, "StepEntered", "one", "one[1]", 0, ""},
			{9, 8, "StepExited", "one", "one[1]", 0, ""},
			{10, 9, "StepExited", "choose", "choose[1]", 0, ""},
			{11, 10, "IterationExited", "all", "all", 0, "2 items"},
			{12, 11, "StepExited", "all", "all", 0, "2 items"},
			{13, 12, "StepEntered", "last", "last", 0, ""},
		},
		"a history that begins later": {
			{7, 6, "TaskFailed", "A", "A", 0, ""},
		},
	} {
		p := history.NewPlaces()
		for _, e := range events {
			at := p.Add(&client.Event{EventID: e.id, ScheduleEventID: e.schedule, Type: e.kind,
				StepName: e.state})
			attempt, count := 0, ""
			if at != nil {
				attempt, count = at.Attempt, scopes(at)
			}
			if at.String() != e.want || attempt != e.attempt || count != e.count {
				t.Errorf("%s, event %d: %s, attempt %d, %q", name, e.id, at, attempt, count)
			}
		}
	}
}

// scopes says how many branches or items a state had; "" if it has none.
func scopes(at *history.Place) string {
	switch {
	case at.Scopes == 0:
		return ""
	case at.HasBranches():
		return fmt.Sprintf("%d branches", at.Scopes)
	}
	return fmt.Sprintf("%d items", at.Scopes)
}
