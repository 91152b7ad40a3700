//go:build !millrace_alibaba

package app

import (
	"testing"

	"millrace/shared/task"
	"millrace/shared/task/lambdatask"
	"millrace/shared/trigger"
)

func TestOutcomesOfLambda(t *testing.T) {
	o := &outcomes{output: lambdaOutput}
	tests := []struct {
		legacy bool
		out    trigger.Outcome
		output string
		name   string
	}{
		{false, trigger.Outcome{RequestID: "r", Payload: []byte(`{"a":1}`)}, `{"Body":{"a":1},"Code":200,"Header":{"Content-Type":"application/json","X-Amzn-Requestid":"r"}}`, ""},
		{true, trigger.Outcome{Payload: []byte(`{"a":1}`)}, `{"a":1}`, ""},
		{true, trigger.Outcome{}, `{}`, ""},
		{true, trigger.Outcome{Payload: []byte(`{`)}, ``, "FnF.InvalidLocal"},
		{false, trigger.Outcome{Failed: true, Condition: "RetriesExhausted", Payload: []byte(`{"errorType":"E","errorMessage":"m"}`)}, ``, "E"},
		{false, trigger.Outcome{Failed: true, Condition: "EventAgeExceeded"}, ``, "FC.Unknown"},
	}
	for _, test := range tests {
		got := o.outcome(task.Note{Action: lambdatask.ActionFC, Legacy: test.legacy}, test.out)
		name := ""
		if got.Error != nil {
			name = got.Error.Name
		}
		if string(got.Output) != test.output || name != test.name {
			t.Errorf("%+v: %s %v", test.out, got.Output, got.Error)
		}
	}
}
