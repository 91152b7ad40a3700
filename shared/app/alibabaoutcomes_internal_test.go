//go:build !millrace_aws

package app

import (
	"testing"

	"millrace/shared/task"
	"millrace/shared/task/fcapitask"
	"millrace/shared/trigger"
)

func TestOutcomesOfFunctionCompute(t *testing.T) {
	o := &outcomes{output: fcOutput}
	tests := []struct {
		legacy bool
		out    trigger.Outcome
		output string
		name   string
	}{
		{false, trigger.Outcome{RequestID: "r", Function: "acs:fc:cn-x:1:functions/f", Payload: []byte(`"{\"a\":1}"`)}, `{"Body":{"a":1},"Code":200,"Header":{"Content-Type":"application/json","X-Fc-Request-Id":"r"}}`, ""},
		{true, trigger.Outcome{Function: "acs:fc:::services/s/functions/f", Payload: []byte(`{"a":1}`)}, `{"a":1}`, ""},
		{false, trigger.Outcome{Failed: true, Function: "acs:fc:cn-x:1:functions/f", Payload: []byte(`"{\"errorType\":\"E\",\"errorMessage\":\"m\"}"`)}, ``, "E"},
	}
	for _, test := range tests {
		got := o.outcome(task.Note{Action: fcapitask.Action, Legacy: test.legacy}, test.out)
		name := ""
		if got.Error != nil {
			name = got.Error.Name
		}
		if string(got.Output) != test.output || name != test.name {
			t.Errorf("%+v: %s %v", test.out, got.Output, got.Error)
		}
	}
}
