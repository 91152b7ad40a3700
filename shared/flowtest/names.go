package flowtest

import (
	"fmt"

	"millrace/shared/fdl/source"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// mention is a place of a case that names a state.
type mention struct {
	name, where  string // where is the key under which it stands
	line, column int
}

// inTasks is the key under which a name must be that of a Task state.
const inTasks = "tasks"

// UnknownStates says, a line each, which names of a case are no states of the flow, or under tasks and calls no Task states.
// Such a mock would never be used, and such an expectation might hold for no good reason.
func (c *Case) UnknownStates(m *flow.Machine) []string {
	var lines []string
	for _, n := range c.names {
		task := n.where != "visited" && n.where != "stepsEntered" && n.where != "waits" && n.where != "states"
		if problem := unknownState(m, n.name, task); problem != "" {
			lines = append(lines, fmt.Sprintf("%d:%d: %s: %s", n.line, n.column, n.where, problem))
			if len(lines) == mistakesMax {
				break
			}
		}
	}
	return lines
}

// unknownState says what is wrong with a name, "" when it is that of a state, or of a task.
func unknownState(m *flow.Machine, name string, task bool) string {
	var names []string
	there := false
	for _, s := range m.Nodes {
		if s.Name == name {
			if !task || s.Kind == flow.Task {
				return ""
			}
			there = true
		} else if !task || s.Kind == flow.Task {
			names = append(names, s.Name)
		}
	}
	problem := "the flow has no state " + value.Quote(name)
	if there {
		problem = "the state " + value.Quote(name) + " is no task, so it calls nothing"
	}
	if near := source.Suggest(name, names); near != "" {
		problem += "; " + near
	}
	return problem
}
