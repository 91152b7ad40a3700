package flow_test

import (
	"testing"

	"millrace/shared/flow"
)

func TestReadChildStart(t *testing.T) {
	for _, test := range []struct {
		dialect    flow.Dialect
		resource   string
		params     map[string]string
		flow, name string
	}{
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "executionName": "x"}, "f",
			"x"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:cn:1:/flow/f", "ExecutionName": "x"},
			"f", "x"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "executionName": "x",
			"ExecutionName": "y"}, "f", "x"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "executionname": "x",
			"EXECUTIONNAME": "y"}, "f", ""},
		{flow.StateMachine, "", map[string]string{"ResourceArn": "acs:fnf:::flow/f"}, "", ""},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "FlowName": "other"}, "f",
			""},
		{flow.FlowV1, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "FlowName": "other"},
			"other", ""},
		{flow.FlowV1, "acs:fnf:::flow/f", map[string]string{"FlowName": "other", "ExecutionName": "x"},
			"f", "x"},
		{flow.FlowV1, "", map[string]string{"flowname": "f"}, "", ""},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:mns:::flow/f"}, "", ""},
		{flow.StateMachine, "", map[string]string{"resourceArn": "flow/f"}, "", ""},
	} {
		c := flow.ReadChildStart(test.dialect, test.resource,
			func(name string) string { return test.params[name] })
		if c.Flow() != test.flow || c.ExecutionName != test.name {
			t.Errorf("%v: %q %q, want %q %q", test.params, c.Flow(), c.ExecutionName, test.flow,
				test.name)
		}
	}
}
