package interp_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
)

// TestCatchHint: a state that misses in $Input what a Catch has replaced fails with an error that
// says so; one that misses anything else does not.
func TestCatchHint(t *testing.T) {
	undo := `{Name: u, Type: Pass, OutputConstructor: {id.$: $Input.id}, End: true}`
	caught := fc("a", `Catch: [{Errors: [FnF.ALL], Next: u}], Next: u`)
	for name, c := range map[string]struct {
		flow  string
		fails bool // the task does
		input string
		hint  bool
	}{
		"after a Catch": {stateMachine(caught, undo), true, `{"id":7}`, true},
		"after a Catch and another state": {stateMachine(
			fc("a", `Catch: [{Errors: [FnF.ALL], Next: p}], End: true`),
			`{Name: p, Type: Pass, Next: u}`, undo), true, `{"id":7}`, true},
		"in the InputConstructor": {stateMachine(caught,
			`{Name: u, Type: Pass, InputConstructor: {id.$: $Input.id}, End: true}`), true,
			`{"id":7}`, true},
		"without an error": {stateMachine(caught, undo), false, `{"id":7}`, false},
		"no Catch replaces anything": {stateMachine(
			fc("a", `Catch: [{Errors: [FnF.ALL], Next: u, OutputConstructor: {b: 1}}], Next: u`),
			undo), true, `{"id":7}`, false},
		"a flow without Catch": {stateMachine(undo), false, `{"Code":"c","Detail":"d"}`, false},
	} {
		outcome := "ok"
		if c.fails {
			outcome = "fail"
		}
		r := finish(t, c.flow, c.input, flow.DefaultLimits(), tasks{"a": {outcome}})
		e := r.state.Error
		if e == nil || e.Name != flow.ErrExpression ||
			!strings.Contains(e.Cause, `"$Input" has no member "id"`) ||
			strings.Contains(e.Cause, "a Catch without OutputConstructor replaces") != c.hint {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
