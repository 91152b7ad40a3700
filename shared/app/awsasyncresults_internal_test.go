//go:build !millrace_alibaba

package app

import (
	"testing"

	"millrace/shared/task"
	"millrace/shared/task/lambdatask"
	"millrace/shared/trigger"
)

func TestOutcomesOfLambda(t *testing.T) {
	o := &asyncResults{output: lambdaOutput}
	tests := []struct {
		flowV1 bool
		out    trigger.AsyncResult
		output string
		name   string
	}{
		{false, trigger.AsyncResult{RequestID: "r", Payload: []byte(`{"a":1}`)},
			`{"Body":{"a":1},"Code":200,"Header":{"Content-Type":"application/json",` +
				`"X-Amzn-Requestid":"r"}}`, ""},
		{true, trigger.AsyncResult{Payload: []byte(`{"a":1}`)}, `{"a":1}`, ""},
		{true, trigger.AsyncResult{}, `{}`, ""},
		{true, trigger.AsyncResult{Payload: []byte(`{`)}, ``, "FnF.InvalidLocal"},
		{false, trigger.AsyncResult{
			Failed:    true,
			Condition: "RetriesExhausted",
			Payload:   []byte(`{"errorType":"E","errorMessage":"m"}`),
		}, ``, "E"},
		{false, trigger.AsyncResult{Failed: true, Condition: "EventAgeExceeded"}, ``, "FC.Unknown"},
	}
	for _, test := range tests {
		got := o.toReport(task.InvocationRecord{Action: lambdatask.ActionFC, FlowV1: test.flowV1},
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
