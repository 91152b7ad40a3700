package history_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// inBranches is the history of a Parallel whose branches A and B wait for reports. Each event
// follows the one that its second number names.
var inBranches = []client.Event{
	{EventID: 1, Type: "ExecutionStarted"},
	{EventID: 2, ScheduleEventID: 1, Type: "StateEntered", StepName: "Both"},
	{EventID: 3, ScheduleEventID: 2, Type: "StateStarted", StepName: "Both"},
	{EventID: 4, ScheduleEventID: 3, Type: "StateEntered", StepName: "A"},
	{EventID: 5, ScheduleEventID: 3, Type: "StateEntered", StepName: "B"},
	{EventID: 6, ScheduleEventID: 4, Type: "TaskScheduled", StepName: "A"},
	{EventID: 7, ScheduleEventID: 5, Type: "TaskScheduled", StepName: "B"},
	{EventID: 8, ScheduleEventID: 6, Type: "TaskStarted", StepName: "A"},
	{EventID: 9, ScheduleEventID: 8, Type: "TaskSubmitted", StepName: "A"},
}

// open adds events to those of inBranches and returns the places of the tasks that have not ended,
// with the id of TaskSubmitted if there is one.
func open(more ...client.Event) (words []string) {
	places, tasks := history.NewPlaces(), &history.Tasks{}
	for _, e := range slices.Concat(inBranches, more) {
		tasks.Add(&e, places.Add(&e))
	}
	for _, task := range tasks.Open() {
		word := task.At.String()
		if task.Submitted != nil {
			word += " submitted"
		}
		words = append(words, word)
	}
	return words
}

// TestTasks: a task is open from its call to its end, or to that of its state or its execution.
func TestTasks(t *testing.T) {
	failed := client.Event{EventID: 10, ScheduleEventID: 7, Type: "TaskFailed", StepName: "B"}
	for _, c := range []struct {
		want string
		more []client.Event
	}{
		{"A[0] submitted, B[1]", nil},
		{"A[0] submitted", []client.Event{failed}},
		{"A[0] submitted, B[1]", []client.Event{failed,
			{EventID: 11, ScheduleEventID: 10, Type: "TaskScheduled", StepName: "B"}}},
		{"A[0], B[1]", []client.Event{
			{EventID: 10, ScheduleEventID: 9, Type: "TaskTimedOut", StepName: "A"},
			{EventID: 11, ScheduleEventID: 10, Type: "TaskScheduled", StepName: "A"}}},
		{"", []client.Event{failed, // B fails, so A is aborted
			{EventID: 11, ScheduleEventID: 10, Type: "StateFailed", StepName: "B"},
			{EventID: 12, ScheduleEventID: 9, Type: "StateAborted", StepName: "A"}}},
		{"", []client.Event{{EventID: 10, ScheduleEventID: 1, Type: "ExecutionStopped"}}},
	} {
		got := open(c.more...)
		slices.Sort(got)
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("after %v: %q, want %q", c.more, text, c.want)
		}
	}
}

// TestToken: a token is found by what it names, else by the name of its member, wherever it is.
func TestToken(t *testing.T) {
	own := base64.StdEncoding.EncodeToString([]byte("account#flow#run-1#7"))
	other := base64.StdEncoding.EncodeToString([]byte("account#flow#run-2#7"))
	for detail, want := range map[string]string{
		`{"parameters":{"body":{"list":["x",{"t":"` + own + `"}]}}}`: own,
		`{"parameters":{"body":"{\"t\":\"` + own + `\"}"}}`:          own,
		`{"parameters":{"t":"` + other + `"}}`:                       "",
		`{"parameters":{"taskToken":"of CloudFlow"}}`:                "of CloudFlow",
		`{"parameters":{"aTaskToken":"other","t":"` + own + `"}}`:    own,
		`{"parameters":{"taskToken":""}}`:                            "",
		`{"parameters":{"body":"\"\\\"x\\\"\""}}`:                    "",
		`{"parameters":`: "",
	} {
		task := history.Task{Scheduled: &client.Event{EventDetail: detail}}
		if got := task.Token("run-1"); got != want {
			t.Errorf("%s: %q, want %q", detail, got, want)
		}
	}
}

// TestFailures: the first failure is that from which all others follow.
func TestFailures(t *testing.T) {
	var f history.Failures
	events := []client.Event{
		{EventID: 3, ScheduleEventID: 2, Type: "TaskScheduled", EventDetail: `{"input":{}}`},
		{EventID: 4, ScheduleEventID: 3, Type: "TaskFailed", EventDetail: `{"error":"A"}`},
		{EventID: 5, ScheduleEventID: 1, Type: "TaskFailed", EventDetail: `{"error":"caught"}`},
		{EventID: 6, ScheduleEventID: 4, Type: "StateFailed", EventDetail: `{"error":"A"}`},
		{EventID: 7, ScheduleEventID: 6, Type: "ExecutionFailed", EventDetail: `{"error":"A"}`},
		{EventID: 8, ScheduleEventID: 8, Type: "TaskFailed", EventDetail: `{"error":"loop"}`},
	}
	for i := range events {
		f.Add(&events[i])
	}
	for at, want := range map[int]int64{4: 4, 0: 3, 5: 8} {
		if got := f.First(&events[at]).EventID; got != want {
			t.Errorf("event %d: the first failure is event %d, not %d", events[at].EventID, got, want)
		}
	}
}
