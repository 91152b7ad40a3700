//go:build !millrace_aws

package cloud

import (
	"testing"

	"millrace/shared/events"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/fctask"
)

func TestOutcomesOfFunctionCompute(t *testing.T) {
	o := &asyncResults{output: fcOutput}
	v1, sm := task.RecordedDialect(flow.FlowV1), task.RecordedDialect(flow.StateMachine)
	tests := []struct {
		dialect task.RecordedDialect
		out     events.AsyncResult
		output  string
		name    string
	}{
		{sm, events.AsyncResult{
			RequestID: "r",
			Function:  "acs:fc:cn-x:1:functions/f",
			Payload:   []byte(`"{\"a\":1}"`),
		}, `{"Body":{"a":1},"Code":200,"Header":{"Content-Type":"application/json",` +
			`"X-Fc-Request-Id":"r"}}`, ""},
		{v1, events.AsyncResult{
			Function: "acs:fc:::services/s/functions/f",
			Payload:  []byte(`{"a":1}`),
		}, `{"a":1}`, ""},
		{sm, events.AsyncResult{
			Failed:   true,
			Function: "acs:fc:cn-x:1:functions/f",
			Payload:  []byte(`"{\"errorType\":\"E\",\"errorMessage\":\"m\"}"`),
		}, ``, "E"},
	}
	for _, test := range tests {
		got := o.toReport(task.InvocationRecord{Action: fctask.Action, Dialect: test.dialect},
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
