package interp_test

import (
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// TestLastBranch: the event that closes a Parallel follows the last event of the branch that ended
// last, even if a step was cut just after another branch had ended.
func TestLastBranch(t *testing.T) {
	m := parse(t, stateMachine(
		`{Name: P, Type: Parallel, End: true, Branches: [{StartAt: A, States: [`+fc("A",
			"End: true")+
			`]}, {StartAt: B, States: [`+fc("B", "End: true")+`]}]}`), flow.Standard)
	limits := flow.DefaultLimits()
	s := interp.New(facts(m, map[string]any{}))
	fx := interp.Step(m, &limits, s, interp.StepInput{At: start,
		Lease: &interp.LeaseOptions{Max: 2, Owner: owner}})
	if len(fx.Calls) != 2 {
		t.Fatal(fx.Calls)
	}
	first, second := callCompleted(&fx.Calls[0], `{}`), callCompleted(&fx.Calls[1], `{}`)
	fx = interp.Step(m, &limits, s, interp.StepInput{At: start, Messages: []interp.Message{second},
		EventsMax: 2})
	if !fx.More {
		t.Fatal("the step does not return early where the second branch has ended")
	}
	events := fx.Events
	fx = interp.Step(m, &limits, s, interp.StepInput{At: start, Messages: []interp.Message{first}})
	events = append(events, fx.Events...)
	byID := map[int64]*flow.HistoryEvent{}
	for i := range events {
		byID[events[i].ID] = &events[i]
	}
	for i := range events {
		e := &events[i]
		if e.Type == flow.StateSucceeded && m.Nodes[e.Node].Name == "P" {
			if from := byID[e.Schedule]; m.Nodes[from.Node].Name != "A" {
				t.Errorf("it follows from event %d of %s, which ended before A", from.ID,
					m.Nodes[from.Node].Name)
			}
			return
		}
	}
	t.Error("P has not ended")
}
