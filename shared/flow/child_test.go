package flow_test

import (
	"testing"

	"millrace/shared/flow"
)

func TestReadChildStart(t *testing.T) {
	for _, test := range []struct {
		v1         bool
		resource   string
		params     map[string]string
		flow, name string
	}{
		{false, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "executionName": "x"}, "f",
			"x"},
		{false, "", map[string]string{"resourceArn": "acs:fnf:cn:1:/flow/f", "ExecutionName": "x"},
			"f", "x"},
		{false, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "executionName": "x",
			"ExecutionName": "y"}, "f", "x"},
		{false, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "executionname": "x",
			"EXECUTIONNAME": "y"}, "f", ""},
		{false, "", map[string]string{"ResourceArn": "acs:fnf:::flow/f"}, "", ""},
		{false, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "FlowName": "other"}, "f",
			""},
		{true, "", map[string]string{"resourceArn": "acs:fnf:::flow/f", "FlowName": "other"},
			"other", ""},
		{true, "acs:fnf:::flow/f", map[string]string{"FlowName": "other", "ExecutionName": "x"},
			"f", "x"},
		{true, "", map[string]string{"flowname": "f"}, "", ""},
		{false, "", map[string]string{"resourceArn": "acs:mns:::flow/f"}, "", ""},
		{false, "", map[string]string{"resourceArn": "flow/f"}, "", ""},
	} {
		c := flow.ReadChildStart(test.v1, test.resource,
			func(name string) string { return test.params[name] })
		if c.Flow() != test.flow || c.ExecutionName != test.name {
			t.Errorf("%v: %q %q, want %q %q", test.params, c.Flow(), c.ExecutionName, test.flow,
				test.name)
		}
	}
}
