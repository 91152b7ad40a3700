package interp_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// TestErrorsAreBounded: the name and the cause of an error are truncated to what a history event
// may hold, wherever the error enters an execution: a Fail state, the result of a call, a report, a
// stop. A Catch sees the truncated error.
func TestErrorsAreBounded(t *testing.T) {
	long := strings.Repeat("é", 50_000)
	template := fmt.Sprintf(`'format("%s"%s)'`, strings.Repeat("{}", 3),
		strings.Repeat(", $Input.s", 3))
	fail := `{Name: a, Type: Fail, Code.$: ` + template + `, Detail.$: ` + template + `}`
	input := `{"s":"` + strings.Repeat("é", 20_000) + `"}`
	wait := fc("a", "TaskMode: WaitForCustomCallback, End: true")
	v1 := flowV1(`{type: task, name: a, resourceArn: 'acs:fc:::services/s/functions/f', pattern: waitForCallback}`)
	for name, c := range map[string]struct {
		definition string
		message    func(call *interp.Call) interp.Message
	}{
		"StateMachine Fail": {stateMachine(fail), nil},
		"FlowV1 fail": {flowV1(`{type: fail, name: a, error: ` + long[:100_000] +
			`, cause: ` + long + `}`), nil},
		"StateMachine answer": {stateMachine(fc("a", "End: true")),
			func(c *interp.Call) interp.Message {
				return interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt,
					Error: &flow.Error{Name: long, Cause: long}}
			}},
		"StateMachine submission": {stateMachine(wait), func(c *interp.Call) interp.Message {
			return interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt,
				Error: &flow.Error{Name: long, Cause: long}}
		}},
		"StateMachine report": {stateMachine(wait), func(c *interp.Call) interp.Message {
			token, _ := interp.ParseToken(c.Token)
			return interp.Message{Kind: interp.TaskReported, TokenID: token.ID,
				Error: &flow.Error{Name: long, Cause: long}}
		}},
		"FlowV1 report": {v1, func(c *interp.Call) interp.Message {
			token, _ := interp.ParseToken(c.Token)
			return interp.Message{Kind: interp.TaskReported, TokenID: token.ID,
				Error: &flow.Error{Name: long, Cause: long}}
		}},
		"stop": {stateMachine(wait), func(*interp.Call) interp.Message {
			return interp.Message{Kind: interp.StopRequested,
				Error: &flow.Error{Name: long, Cause: long}}
		}},
		"broken": {stateMachine(wait), func(*interp.Call) interp.Message {
			return interp.Message{Kind: interp.EngineFailed,
				Error: &flow.Error{Name: long, Cause: long}}
		}},
	} {
		in := "{}"
		if name == "StateMachine Fail" {
			in = input
		}
		r := newHarness(t, c.definition, in)
		fx := r.step(0)
		if c.message != nil {
			r.step(10, c.message(&fx.Calls[0]))
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
	} else if n, c := len([]rune(e.Name)), len([]rune(e.Cause)); n > flow.ErrorNameMax ||
		c > flow.ErrorCauseMax {
		t.Errorf("%s: %d and %d characters", name, n, c)
	}
}
