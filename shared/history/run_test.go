package history_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

const mapFlow = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: All
States:
- Type: Map
  Name: All
  ItemsPath: $Input.items
  Processor:
    StartAt: Call
    States:
    - {Type: Task, Name: Call, Action: "HTTP:Request", Parameters: {url: "http://a.example", method: GET}, End: true}
  End: true
`

// runOf reads events that are written as "id follows type state" with an error after them, one a
// second.
func runOf(definition string, lines ...string) *history.Run {
	run := history.NewRun(definition)
	for i, line := range lines {
		var e client.Event
		var failed string
		fmt.Sscan(line, &e.EventID, &e.ScheduleEventID, &e.Type, &e.StepName, &failed)
		e.EventDetail = "{}"
		switch {
		case failed != "":
			e.EventDetail = `{"error":"` + failed + `"}`
		case e.Type == "StateStarted":
			e.EventDetail = `{"input":{"items":[1,2,3]}}`
		case e.Type == "MapRunStarted":
			e.EventDetail = `{"output":{"MapRunName":"c39142f1345b196d678333c41f113200"}}`
		}
		e.Time = client.Timestamp(time.Unix(int64(i), 0).UTC().Format(time.RFC3339))
		run.Add(&e)
	}
	return run
}

// itemsOfMap is a history in which the second of three items fails at its second attempt.
var itemsOfMap = []string{"1 0 ExecutionStarted", "2 1 StateEntered All", "3 2 StateStarted All",
	"4 3 StateEntered Call", "5 4 TaskScheduled Call", "6 3 StateEntered Call",
	"7 6 TaskScheduled Call", "8 5 TaskSucceeded Call", "9 8 StateSucceeded Call",
	"10 7 TaskFailed Call First", "11 10 TaskScheduled Call", "12 11 TaskSubmitted Call",
	"13 12 TaskFailed Call Second", "14 13 StateFailed Call Second",
	"15 14 StateFailed All Second", "16 15 ExecutionFailed"}

// TestRunOfMap: a run knows the first failure with its item and attempt, when each entry and attempt
// began and ended, and how far a Map is.
func TestRunOfMap(t *testing.T) {
	run := runOf(mapFlow, append(itemsOfMap[:15:15], "16 15 ExecutionFailed - Second")...)
	f := run.FirstFailure()
	if f == nil || f.Place != "Call[1]" || f.Attempt != 2 || f.Scheduled != 11 || f.Event != 13 ||
		f.Error.Name != "Second" {
		t.Errorf("%+v", f)
	}
	var words []string
	for _, s := range run.Spans.Entries {
		word := fmt.Sprintf("%v %v %s", s.At, s.To.Sub(s.From), s.Outcome)
		for _, a := range s.Attempts {
			word += fmt.Sprintf(" (%v %s)", a.To.Sub(a.From), a.Outcome)
		}
		words = append(words, word)
	}
	want := "All 13s failed, Call[0] 5s succeeded (3s succeeded), " +
		"Call[1] 8s failed (3s failed) (2s failed)"
	if got := strings.Join(words, ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	at := run.Place(3)
	if at.Items != 3 || at.Scopes != 2 || at.Failed != 1 || at.Running != 0 {
		t.Errorf("%d items, %d scopes, %d failed, %d running", at.Items, at.Scopes, at.Failed, at.Running)
	}
}

// TestRunOfMapRun: a run names its MapRuns.
func TestRunOfMapRun(t *testing.T) {
	run := runOf("", "1 0 ExecutionStarted", "2 1 StateEntered All", "3 2 MapRunStarted All")
	if len(run.MapRuns) != 1 || run.MapRuns[0].Name != "c39142f1345b196d678333c41f113200" ||
		run.MapRuns[0].At.State != "All" || run.MapRuns[0].EventID != 3 || run.Events != 3 {
		t.Errorf("%+v", run)
	}
	if run.FirstFailure() != nil {
		t.Error("a failure of a running execution")
	}
}

// TestSpansAreBounded: what is not kept is counted.
func TestSpansAreBounded(t *testing.T) {
	var lines []string
	for i := range 6000 {
		lines = append(lines, fmt.Sprintf("%d %d StateEntered A", i+1, i))
	}
	run := runOf("", lines...)
	if len(run.Spans.Entries)+run.Spans.Dropped != 6000 || run.Spans.Dropped != 1000 {
		t.Errorf("%d and %d", len(run.Spans.Entries), run.Spans.Dropped)
	}
}
