//go:build !millrace_aws

package app

import (
	"testing"

	"millrace/shared/task"
	"millrace/shared/task/fctask"
	"millrace/shared/trigger"
)

func TestOutcomesOfFunctionCompute(t *testing.T) {
	o := &asyncResults{output: fcOutput}
	tests := []struct {
		flowV1 bool
		out    trigger.AsyncResult
		output string
		name   string
	}{
		{false, trigger.AsyncResult{
			RequestID: "r",
			Function:  "acs:fc:cn-x:1:functions/f",
			Payload:   []byte(`"{\"a\":1}"`),
		}, `{"Body":{"a":1},"Code":200,"Header":{"Content-Type":"application/json",` +
			`"X-Fc-Request-Id":"r"}}`, ""},
		{true, trigger.AsyncResult{
			Function: "acs:fc:::services/s/functions/f",
			Payload:  []byte(`{"a":1}`),
		}, `{"a":1}`, ""},
		{false, trigger.AsyncResult{
			Failed:   true,
			Function: "acs:fc:cn-x:1:functions/f",
			Payload:  []byte(`"{\"errorType\":\"E\",\"errorMessage\":\"m\"}"`),
		}, ``, "E"},
	}
	for _, test := range tests {
		got := o.toReport(task.InvocationRecord{Action: fctask.Action, FlowV1: test.flowV1},
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
