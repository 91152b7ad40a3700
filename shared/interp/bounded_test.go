package interp_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// TestErrorsAreBounded: wherever an error enters an execution, its name and cause are cut to what a history holds:
// by a Fail state, by a call's answer, by a report, by a stop. What catches it sees the same.
func TestErrorsAreBounded(t *testing.T) {
	long := strings.Repeat("é", 50_000)
	template := fmt.Sprintf(`'format("%s"%s)'`, strings.Repeat("{}", 3), strings.Repeat(", $Input.s", 3))
	fail := `{Name: a, Type: Fail, Code.$: ` + template + `, Detail.$: ` + template + `}`
	input := `{"s":"` + strings.Repeat("é", 20_000) + `"}`
	wait := fc("a", "TaskMode: WaitForCustomCallback, End: true")
	older := flowV1(`{type: task, name: a, resourceArn: 'acs:fc:::services/s/functions/f', pattern: waitForCallback}`)
	for name, c := range map[string]struct {
		definition string
		news       func(call *interp.Call) interp.Message
	}{
		"newer Fail": {stateMachine(fail), nil},
		"older fail": {flowV1(`{type: fail, name: a, error: ` + long[:100_000] + `, cause: ` + long + `}`), nil},
		"newer answer": {stateMachine(fc("a", "End: true")), func(c *interp.Call) interp.Message {
			return interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Error: &flow.Error{Name: long, Cause: long}}
		}},
		"newer submission": {stateMachine(wait), func(c *interp.Call) interp.Message {
			return interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Error: &flow.Error{Name: long, Cause: long}}
		}},
		"newer report": {stateMachine(wait), func(c *interp.Call) interp.Message {
			token, _ := interp.ParseToken(c.Token)
			return interp.Message{Kind: interp.TaskReported, TokenID: token.ID, Error: &flow.Error{Name: long, Cause: long}}
		}},
		"older report": {older, func(c *interp.Call) interp.Message {
			token, _ := interp.ParseToken(c.Token)
			return interp.Message{Kind: interp.TaskReported, TokenID: token.ID, Error: &flow.Error{Name: long, Cause: long}}
		}},
		"stop": {stateMachine(wait), func(*interp.Call) interp.Message {
			return interp.Message{Kind: interp.StopRequested, Error: &flow.Error{Name: long, Cause: long}}
		}},
		"broken": {stateMachine(wait), func(*interp.Call) interp.Message {
			return interp.Message{Kind: interp.EngineFailed, Error: &flow.Error{Name: long, Cause: long}}
		}},
	} {
		in := "{}"
		if name == "newer Fail" {
			in = input
		}
		r := newHarness(t, c.definition, in)
		fx := r.step(0)
		if c.news != nil {
			r.step(10, c.news(&fx.Calls[0]))
		}
		checkBounded(t, name, r.s.Error)
		for i := range r.events {
			if e := r.events[i].Error; e != nil {
				checkBounded(t, name, e)
			}
		}
		if body := len(r.s.AppendBody(nil)); body > 200_000 {
			t.Errorf("%s: the state has %d bytes", name, body)
		}
	}
}

func checkBounded(t *testing.T, name string, e *flow.Error) {
	t.Helper()
	if e == nil {
		t.Errorf("%s: no error", name)
	} else if n, c := len([]rune(e.Name)), len([]rune(e.Cause)); n > flow.ErrorNameMax || c > flow.ErrorCauseMax {
		t.Errorf("%s: %d and %d characters", name, n, c)
	}
}
