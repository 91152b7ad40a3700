package graph_test

import (
	"strings"
	"testing"

	"millrace/shared/graph"
)

const runFlow = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: A
States:
- {Type: Task, Name: A, Action: "HTTP:Request", Parameters: {url: "http://a.example", method: GET},
  Catch: [{Errors: [FnF.ALL], Next: B}], Next: B}
- {Type: Wait, Name: B, Seconds: 5, Next: M}
- Type: Map
  Name: M
  ItemsPath: $Input.items
  Processor:
    StartAt: I
    States:
    - {Type: Pass, Name: I, End: true}
  End: true
`

// statuses returns the status and words of each state, as the drawing of a run shows them.
func statuses(t *testing.T, events []graph.Event) string {
	t.Helper()
	m := compile(t, runFlow)
	if m == nil {
		t.Fatal("the definition has mistakes")
	}
	run := graph.NewRun()
	for i, e := range events {
		e.ID = int64(i + 1)
		run.Add(e)
	}
	var b strings.Builder
	if err := layOut(t, m).Mermaid(&b, graph.Options{Run: run}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if _, text, ok := strings.Cut(line, `["`); ok && strings.Contains(text, ": ") {
			got = append(got, strings.TrimSuffix(strings.TrimSpace(text), `"]`))
		}
	}
	return strings.Join(got, "; ")
}

// TestRun: the status of a state follows from its events.
func TestRun(t *testing.T) {
	in := func(types string, state string) (events []graph.Event) {
		for kind := range strings.FieldsSeq(types) {
			events = append(events, graph.Event{Type: kind, State: state})
		}
		return events
	}
	join := func(parts ...[]graph.Event) (all []graph.Event) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	a := "StateEntered StateStarted TaskScheduled TaskStarted"
	ok := join(in(a+" TaskSucceeded StateSucceeded", "A"), in("StateEntered", "B"))
	caught := join(in(a+" TaskFailed StateFailed", "A"),
		[]graph.Event{{Type: "StateEntered", State: "B", Follows: 6}})
	items := join(ok, in("StateStarted StateSucceeded", "B"), in("StateEntered StateStarted", "M"),
		in("StateEntered StateSucceeded StateEntered StateSucceeded StateEntered", "I"))
	for name, c := range map[string]struct {
		events []graph.Event
		want   string
	}{
		"nothing": {nil, "A: not reached; B: not reached; M: not reached; I: not reached"},
		"runs":    {in(a, "A"), "A: running; B: not reached; M: not reached; I: not reached"},
		"waits for a callback": {in(a+" TaskSubmitted", "A"),
			"A: waiting; B: not reached; M: not reached; I: not reached"},
		"will be retried": {in(a+" TaskFailed", "A"),
			"A: retrying; B: not reached; M: not reached; I: not reached"},
		"second attempt": {in(a+" TaskFailed TaskScheduled", "A"),
			"A: running, attempt 2; B: not reached; M: not reached; I: not reached"},
		"waits for a time": {ok, "A: succeeded; B: waiting; M: not reached; I: not reached"},
		"caught":           {caught, "A: caught; B: waiting; M: not reached; I: not reached"},
		"failed": {join(in(a+" TaskFailed StateFailed", "A"),
			[]graph.Event{{Type: "ExecutionFailed"}}),
			"A: failed; B: not reached; M: not reached; I: not reached"},
		"items": {items, "A: succeeded; B: succeeded; M: running; I: 2 of 3 done"},
		"stopped": {join(items, []graph.Event{{Type: "ExecutionStopped"}}),
			"A: succeeded; B: succeeded; M: aborted; I: 2 of 3 done"},
	} {
		if got := statuses(t, c.events); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestRedrivenRun: what a redrive enters again is drawn as what it does now.
func TestRedrivenRun(t *testing.T) {
	events := []graph.Event{{Type: "ExecutionStarted"}, {Type: "StateEntered", State: "B"},
		{Type: "StateSucceeded", State: "B"}, {Type: "StateEntered", State: "M"},
		{Type: "StateEntered", State: "I"}, {Type: "StateFailed", State: "I"},
		{Type: "StateFailed", State: "M"}, {Type: "ExecutionFailed"}, {Type: "ExecutionRedriven"},
		{Type: "StateEntered", State: "M", Follows: 9}, {Type: "StateEntered", State: "I"}}
	if got, want := statuses(t, events),
		"A: not reached; B: succeeded; M: running; I: running"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	events = append(events, graph.Event{Type: "StateSucceeded", State: "I"},
		graph.Event{Type: "StateSucceeded", State: "M"}, graph.Event{Type: "ExecutionSucceeded"})
	if got, want := statuses(t, events),
		"A: not reached; B: succeeded; M: succeeded; I: succeeded"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
