package reference_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/value"
	"millrace/tests/reference"
	"millrace/tests/support/examples"
)

// eventsOf converts a history to the API's form.
func eventsOf(m *flow.Machine, events []flow.HistoryEvent) []reference.Event {
	list := make([]reference.Event, len(events))
	for i := range events {
		e := &events[i]
		list[i] = reference.Event{ID: e.ID, Schedule: e.Schedule, Type: e.Type.String(),
			Step: e.StepName(m), Detail: string(e.AppendDetail(nil, m)), Time: e.Time}
	}
	return list
}

func limitsOf(l flow.Limits, dialect flow.Dialect) reference.Limits {
	return reference.Limits{Events: l.Events, Data: l.Data(dialect), WaitSeconds: l.WaitSeconds,
		WaitSecondsV1:  l.WaitSecondsV1,
		MapConcurrency: l.MapConcurrency, MapConcurrencyMax: l.MapConcurrencyMax,
		IterationsV1: l.IterationsV1,
		TaskSeconds:  l.TaskSeconds, ExecutionSeconds: l.ExecutionSeconds}
}

var start = time.Date(2019, 5, 2, 15, 0, 0, 0, time.UTC).UnixMilli()

// TestExamples judges the history of every example flow with every case, as the flow tester runs
// them. In the flow tester nothing is late.
func TestExamples(t *testing.T) {
	judged := 0
	examples.Each(t, func(t *testing.T, f *examples.File) {
		for _, c := range f.Cases {
			t.Run(c.Name, func(t *testing.T) {
				c.Setup.Start = start
				r, err := flowtest.Execute(f.Machine, flow.DefaultLimits(), c.Setup)
				if err != nil {
					t.Fatal(err)
				}
				err = reference.Check(f.Definition, inputText(c.Setup.Input), contextOf(&c.Setup),
					eventsOf(f.Machine, r.Events), recordOf(f.Machine, &c.Setup, r))
				if _, is := err.(*reference.Unjudged); is && unjudged(f) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				judged++
			})
		}
	})
	if judged < 100 {
		t.Errorf("only %d cases were judged", judged)
	}
}

// unjudged reports whether the reference does not judge a flow: it has a distributed Map.
func unjudged(f *examples.File) bool {
	return slices.ContainsFunc(f.Machine.Nodes, func(st *flow.State) bool {
		return st.Map != nil && st.Map.Distributed != nil
	})
}

func inputText(v any) string {
	if v == nil {
		return "{}"
	}
	return string(value.Encode(v))
}

func contextOf(s *flowtest.Setup) reference.Context {
	return reference.Context{Flow: s.FlowName, Execution: s.ExecutionName,
		Account: "1234567890123456", Region: "local", RoleArn: s.RoleArn}
}

// recordOf lists the outcomes of the tasks of a case, in the order of their attempts.
func recordOf(m *flow.Machine, s *flowtest.Setup, r *flowtest.Result) reference.Record {
	out := reference.Record{Limits: limitsOf(flow.DefaultLimits(), m.Dialect), Sequential: true,
		Known:    true,
		Attempts: map[int64]*reference.Attempt{}, Reports: map[int64][]reference.Outcome{}}
	used := map[string]int{}
	entered := map[int]int64{}
	call := 0
	for i := range r.Events {
		switch e := &r.Events[i]; e.Type {
		case flow.StepEntered:
			entered[e.Node] = e.ID
		case flow.TaskStarted:
			id := e.Schedule
			list := s.Tasks[e.StepName(m)]
			o := list[min(used[e.StepName(m)], len(list)-1)]
			used[e.StepName(m)]++
			a := &reference.Attempt{}
			out.Attempts[id] = a
			if r.Calls[call].Params != nil {
				if text, _ := json.Marshal(r.Calls[call].Params); !masked(m.Nodes[e.Node].Task,
					string(text)) {
					a.Params = string(value.Encode(r.Calls[call].Params))
				}
			}
			call++
			end := reference.Outcome{Output: inputText(o.Return), At: e.Time}
			if m.Nodes[e.Node].Task.Mode == flow.RequestComplete {
				if o.Error != nil {
					end.Error = &reference.Failure{Name: o.Error.Name, Cause: o.Error.Cause}
				}
				a.Answers = append(a.Answers, end)
				continue
			}
			a.Answers = append(a.Answers, end)
			report := o.Callback
			if report == nil {
				report = o.Return
			}
			end.Output = inputText(report)
			if o.Error != nil {
				end.Error = &reference.Failure{Name: o.Error.Name, Cause: o.Error.Cause}
			}
			token := id
			if m.Dialect == flow.FlowV1 {
				token = entered[e.Node]
			}
			out.Reports[token] = append(out.Reports[token], end)
		}
	}
	return out
}

// masked reports whether the flow tester has replaced a token in the text: it does so if the task
// has one.
func masked(task *flow.TaskSpec, text string) bool {
	return task.Mode != flow.RequestComplete || strings.Contains(text, flowtest.MockToken)
}
