//go:build !millrace_alibaba

package cloud

import (
	"testing"

	"millrace/shared/events"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/lambdatask"
)

func TestOutcomesOfLambda(t *testing.T) {
	o := &asyncResults{output: lambdaOutput}
	v1, sm := task.RecordedDialect(flow.FlowV1), task.RecordedDialect(flow.StateMachine)
	tests := []struct {
		dialect task.RecordedDialect
		out     events.AsyncResult
		output  string
		name    string
	}{
		{sm, events.AsyncResult{RequestID: "r", Payload: []byte(`{"a":1}`)},
			`{"Body":{"a":1},"Code":200,"Header":{"Content-Type":"application/json",` +
				`"X-Amzn-Requestid":"r"}}`, ""},
		{v1, events.AsyncResult{Payload: []byte(`{"a":1}`)}, `{"a":1}`, ""},
		{v1, events.AsyncResult{}, `{}`, ""},
		{v1, events.AsyncResult{Payload: []byte(`{`)}, ``, "FnF.InvalidLocal"},
		{sm, events.AsyncResult{
			Failed:    true,
			Condition: "RetriesExhausted",
			Payload:   []byte(`{"errorType":"E","errorMessage":"m"}`),
		}, ``, "E"},
		{sm, events.AsyncResult{Failed: true, Condition: "EventAgeExceeded"}, ``, "FC.Unknown"},
	}
	for _, test := range tests {
		got := o.toReport(task.InvocationRecord{Action: lambdatask.ActionFC, Dialect: test.dialect},
			test.out)
		name := ""
		if got.Error != nil {
			name = got.Error.Name
		}
		if string(got.Output) != test.output || name != test.name {
			t.Errorf("%+v: %s %v", test.out, got.Output, got.Error)
		}
	}
}
