package historycheck_test

import (
	"slices"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/tests/reference/historycheck"
)

// history runs a flow whose task fails once and then succeeds, and returns its events.
func history(t *testing.T, definition string) (*flow.Machine, []flow.HistoryEvent) {
	t.Helper()
	m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Fatalf("%v", diagnostics)
	}
	outcomes := []flowtest.Outcome{
		{Error: &flow.Error{Name: "Busy"}}, {Return: map[string]any{}},
	}
	r, err := flowtest.Execute(m, flow.DefaultLimits(), flowtest.Setup{
		FlowName: "f", ExecutionName: "e", Start: 1000,
		Input: map[string]any{"l": []any{"a", "b"}},
		Tasks: map[string][]flowtest.Outcome{"a": outcomes},
	})
	if err != nil || r.Status != flow.Succeeded {
		t.Fatalf("%v %v", err, r)
	}
	return m, r.Events
}

const stateMachineFlow = `{Type: StateMachine, SpecVersion: v1, Name: f, StartAt: p, States: [
 {Name: p, Type: Parallel, Next: z, Branches: [
  {StartAt: a, States: [
   {Name: a, Type: Task, Action: FC:InvokeFunction,
    Parameters: {resourceArn: "acs:fc:::functions/f/LATEST", invocationType: Sync},
    Retry: [{Errors: [FnF.ALL], MaxAttempts: 1, IntervalSeconds: 1}], Next: b},
   {Name: b, Type: Pass, End: true}]},
  {StartAt: c, States: [{Name: c, Type: Pass, End: true}]}]},
 {Name: z, Type: Pass, End: true}]}`

const flowV1Flow = `{version: v1, type: flow, steps: [
 {type: foreach, name: e, iterationMapping: {collection: "$.l", item: i},
  steps: [{type: pass, name: x}]},
 {type: choice, name: c, default: {steps: [
  {type: task, name: a, resourceArn: "acs:fc:::services/s/functions/f",
   retry: [{errors: [FnF.ALL]}]}]}},
 {type: pass, name: z}]}`

// TestCheck checks that every prefix of a history is accepted and that a damaged history is
// not.
func TestCheck(t *testing.T) {
	for _, definition := range []string{stateMachineFlow, flowV1Flow} {
		m, events := history(t, definition)
		for n := range len(events) + 1 {
			if faults := historycheck.Check(m, events[:n]); len(faults) > 0 {
				t.Fatalf("the first %d events: %s", n, strings.Join(faults, "\n"))
			}
		}
		for name, damage := range map[string]func(e []flow.HistoryEvent, i int) []flow.HistoryEvent{
			"an event is missing": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				return slices.Delete(e, i, i+1)
			},
			"an event is missing, the ids close up": func(
				e []flow.HistoryEvent, i int,
			) []flow.HistoryEvent {
				return renumber(slices.Delete(e, i, i+1), i)
			},
			"an event is there twice": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				again := e[i]
				again.ID = int64(len(e))
				end := e[len(e)-1]
				end.ID++
				return append(e[:len(e)-1:len(e)-1], again, end)
			},
			"led to by itself": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				e[i].Schedule = e[i].ID
				return e
			},
			"led to by nothing": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				e[i].Schedule = 0
				return e
			},
			"time goes back": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				e[i].Time -= 100_000
				return e
			},
			"of another state": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				e[i].Node = (e[i].Node + 1) % len(m.Nodes)
				return e
			},
			"of no state": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				e[i].Node = 99
				return e
			},
			"with an error it has not": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				if e[i].Error == nil {
					e[i].Error = &flow.Error{}
				} else {
					e[i].Error = nil
				}
				return e
			},
			"of another type": func(e []flow.HistoryEvent, i int) []flow.HistoryEvent {
				e[i].Type = flow.TaskSubmitFailed
				return e
			},
		} {
			// Other rules apply to the first and the last event, so most damage does not matter
			// there.
			for i := 1; i < len(events)-1; i++ {
				damaged := damage(slices.Clone(events), i)
				if faults := historycheck.Check(m, damaged); len(faults) == 0 {
					t.Errorf("event %d (%s): %s, and nothing is said", i+1, events[i].Type, name)
				}
			}
		}
	}
}

// renumber closes the gap in the ids that a deleted event left at i.
func renumber(events []flow.HistoryEvent, i int) []flow.HistoryEvent {
	gone := int64(i + 1)
	for j := i; j < len(events); j++ {
		events[j].ID--
	}
	for j := range events {
		if events[j].Schedule > gone {
			events[j].Schedule--
		}
	}
	return events
}

func TestCheckNoHistory(t *testing.T) {
	m, events := history(t, stateMachineFlow)
	if faults := historycheck.Check(m, nil); len(faults) != 0 {
		t.Errorf("%v", faults)
	}
	last := events[len(events)-1]
	after := append(slices.Clone(events), flow.HistoryEvent{
		ID: last.ID + 1, Schedule: 1, Type: flow.ExecutionFailed, Node: -1, Error: &flow.Error{},
		Time: last.Time,
	})
	if faults := historycheck.Check(m, after); len(faults) != 1 {
		t.Errorf("after the end: %v", faults)
	}
}
