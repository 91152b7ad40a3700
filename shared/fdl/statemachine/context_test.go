package statemachine_test

import (
	"testing"

	"millrace/shared/yamldoc"
)

// TestContext checks the message and the hint of the warning for an expression; none if everything
// it selects can exist.
func TestContext(t *testing.T) {
	for _, c := range []struct{ expression, message, hint string }{
		{"$Context", "", ""},
		{"$Context.Execution.Input.any.thing[0]", "", ""},
		{"$Context.Current.Error.Code", "", ""},
		{"$Context['Workflow'].Flow", "", ""},
		{"$Context[$Input.key].x", "", ""},
		{"$Context.Task.Token", "$Context has no member Task", "write $Context.Current.TaskToken"},
		{"[1, $Context.Execution.Id]", "$Context has no member Execution.Id",
			"write $Context.Execution.Name"},
		{"$Context.Current.Tasktoken", "$Context has no member Current.Tasktoken",
			"did you mean 'TaskToken'?"},
		{"$Context.Current.Error.Sum", "$Context has no member Current.Error.Sum",
			"it has Code, Detail"},
		{"$Context.Execution.Name.Id", "$Context has no member Execution.Name.Id", ""},
	} {
		found := compile(t, "",
			`{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: "`+c.expression+`"}}`)
		switch {
		case c.message == "" && len(found) == 0:
		case len(found) != 1 || found[0].Severity != yamldoc.Warning ||
			found[0].Message != c.message || found[0].Hint != c.hint:
			t.Errorf("%s: %v", c.expression, found)
		}
	}
}
