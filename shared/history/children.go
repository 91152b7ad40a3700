package history

import (
	"strings"

	"millrace/shared/flow"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// Child is an execution that a task has started.
type Child struct {
	Flow, Execution string
	At              *Place // of the task
}

// childrenMax is how many children a run keeps.
const childrenMax = 200

// findChild finds the executions that tasks start. One whose task waits for its end is known by its
// name in the parameters alone, any other by the result of the task, too.
func (r *Run) findChild(e *client.Event, at *Place) {
	if at == nil || at.spec == nil || at.spec.Task == nil || len(r.Children) >= childrenMax ||
		!strings.EqualFold(at.spec.Task.Action, "FNF:StartExecution") {
		return
	}
	var d struct {
		Input, Output map[string]any
		ResourceArn   string
	}
	if value.UnmarshalLenient([]byte(e.EventDetail), &d) != nil {
		return
	}
	child := Child{At: at}
	switch e.Type {
	case "TaskScheduled":
		start := flow.ReadChildStart(r.places.machine.Dialect, d.ResourceArn, textsOf(d.Input))
		child.Flow, child.Execution = start.Flow(), start.ExecutionName
	case "TaskSucceeded":
		if text := textsOf(d.Output); at.spec.Task.Mode != flow.WaitForSystemCallback {
			child.Flow, child.Execution = text("FlowName"), text("ExecutionName")
		}
	}
	if child.Flow == "" || child.Execution == "" {
		return
	}
	for _, known := range r.Children {
		if known == child {
			return
		}
	}
	r.Children = append(r.Children, child)
}

// textsOf returns a function that returns a member as text; "" if it is none.
func textsOf(members map[string]any) func(string) string {
	return func(name string) string {
		text, _ := members[name].(string)
		return text
	}
}
