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

func TestQualifiedChildStart(t *testing.T) {
	for _, test := range []struct {
		dialect                      flow.Dialect
		resource                     string
		params                       map[string]string
		flow, qualifier, unqualified string
	}{
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f/live"}, "f",
			"live", "acs:fnf:::flow/f"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:cn:1:/flow/f/7"}, "f",
			"7", "acs:fnf:cn:1:/flow/f"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f",
			"qualifier": "live"}, "f", "live", "acs:fnf:::flow/f"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f/live",
			"Qualifier": "other"}, "f", "live", "acs:fnf:::flow/f"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f"}, "f", "",
			"acs:fnf:::flow/f"},
		{flow.StateMachine, "", map[string]string{"resourceArn": "acs:fnf:::flow/f/a/b"}, "f",
			"a/b", "acs:fnf:::flow/f"},
		{flow.FlowV1, "", map[string]string{"FlowName": "f/live"}, "f", "live",
			"acs:fnf:::flow/f"},
		{flow.FlowV1, "", map[string]string{"FlowName": "f", "Qualifier": "1"}, "f", "1",
			"acs:fnf:::flow/f"},
		{flow.FlowV1, "acs:fnf:::flow/f/live", nil, "f", "live", "acs:fnf:::flow/f"},
	} {
		c := flow.ReadChildStart(test.dialect, test.resource,
			func(name string) string { return test.params[name] })
		if c.Flow() != test.flow || c.Qualifier() != test.qualifier ||
			c.Unqualified() != test.unqualified {
			t.Errorf("%s %v: %q %q %q", test.resource, test.params, c.Flow(), c.Qualifier(),
				c.Unqualified())
		}
	}
}
