package cli_test

import (
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
)

// running returns an API whose execution has these events and is still running: its last event is
// never revealed.
func running(events ...cloudflow.Event) *fakeAPI {
	api := succeeding()
	api.events = append(events,
		cloudflow.Event{ID: int64(len(events) + 1), Type: "ExecutionSucceeded", Time: began + 9000})
	api.described = len(events) - 2 // describe reveals one more event
	return api
}

func describeRunning(t *testing.T, api *fakeAPI, args ...string) string {
	t.Helper()
	s := newShell(t, api)
	s.now = time.UnixMilli(began + 75_000)
	code, out, errs := s.run(append([]string{"describe", "orders", "e"}, args...)...)
	if code != 0 || !strings.Contains(out, "Running") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	_, pending, _ := strings.Cut(out, "\n\n") // before the input, which may be long
	pending, _, _ = strings.Cut(pending, "Input:\n")
	return pending + errs
}

func event(id, schedule int64, kind, name, detail string) cloudflow.Event {
	return cloudflow.Event{
		ID: id, ScheduleID: schedule, Type: kind, StepName: name, Detail: detail,
		Time: began + id*1000,
	}
}

// TestDescribePending checks that describe shows the latest event of each pending state.
func TestDescribePending(t *testing.T) {
	api := running(
		event(1, 0, "ExecutionStarted", "", "{}"),
		event(2, 1, "StateEntered", "P", "{}"),
		event(3, 2, "StateStarted", "P", "{}"),
		event(4, 3, "StateEntered", "Wait", "{}"),
		event(5, 3, "StateEntered", "Ask", "{}"),
		event(6, 3, "StateEntered", "Try", "{}"),
		event(7, 5, "TaskScheduled", "Ask", "{}"),
		event(8, 6, "TaskScheduled", "Try", "{}"),
		event(9, 3, "StateEntered", "Done", "{}"),
		event(10, 9, "StateSucceeded", "Done", "{}"),
		event(11, 7, "TaskSubmitted", "Ask", "{}"),
		event(12, 8, "TaskFailed", "Try", `{"cause":"busy","error":"FC.Throttled"}`),
	)
	want := `STATE     FOR     NOW
Wait[0]   1m11s   entered
Ask[1]    1m4s    waits for the result of its call, or for a report with its token
Try[2]    1m3s    attempt 1 failed: FC.Throttled: busy; the next one is to come

`
	if got := describeRunning(t, api); got != want {
		t.Errorf("%s", got)
	}
	api.described -= 2
	if got := describeRunning(t, api, "--output", "json"); got != "" {
		t.Errorf("JSON has more: %s", got)
	}
	api.described, api.noHistory = api.described-1, true
	if got := describeRunning(t, api); !strings.Contains(got, "no progress is shown") {
		t.Errorf("%s", got)
	}
}

func TestDescribePendingMany(t *testing.T) {
	events := []cloudflow.Event{event(1, 0, "ExecutionStarted", "", "{}"),
		event(2, 1, "StateStarted", "M", "{}")}
	for id := int64(3); id < 30; id++ {
		events = append(events, event(id, 2, "StateEntered", "I", "{}"))
	}
	got := describeRunning(t, running(events...))
	if strings.Count(got, "entered") != 20 || !strings.HasSuffix(got, "and 7 more\n\n") {
		t.Errorf("%s", got)
	}
}

// TestDescribePendingEnds checks that an execution that ends after it was described has no pending
// states.
func TestDescribePendingEnds(t *testing.T) {
	api := running(event(1, 0, "ExecutionStarted", "", "{}"),
		event(2, 1, "StateEntered", "A", "{}"), event(3, 2, "ExecutionStopped", "", "{}"))
	if got := describeRunning(t, api); got != "" {
		t.Errorf("%s", got)
	}
}
