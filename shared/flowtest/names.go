package flowtest

import (
	"millrace/shared/flow"
	"millrace/shared/suggest"
	"millrace/shared/value"
)

// mention is a place in a test case that names a state.
type mention struct {
	name, where  string // where is the key that holds the name
	line, column int
}

// inTasks is the key below which a name must be that of a Task state.
const inTasks = "tasks"

// UnknownStates returns one line for each name in the case that is not a state of the flow or,
// below tasks and calls, not a Task state. Such a mock would never be used, and such an expectation
// might be met for the wrong reason.
func (c *Case) UnknownStates(m *flow.Machine) (lines []string) {
	for i, wrong := range c.unknownStates(m) {
		if i == mistakesMax {
			break
		}
		lines = append(lines, wrong.Error())
	}
	return lines
}

func (c *Case) unknownStates(m *flow.Machine) []mistake {
	var list []mistake
	for _, n := range c.names {
		task := n.where != "visited" && n.where != "stepsEntered" && n.where != "waits" &&
			n.where != "states"
		if problem := unknownState(m, n.name, task); problem != "" {
			list = append(list, mistake{n.line, n.column, n.where + ": " + problem})
			if len(list) > mistakesMax {
				break
			}
		}
	}
	return list
}

// unknownState says what is wrong with the name; "" if it is a state of the flow and, if task is
// set, a Task state.
func unknownState(m *flow.Machine, name string, task bool) string {
	var names []string
	exists := false
	for _, s := range m.Nodes {
		if s.Name == name {
			if !task || s.Kind == flow.Task {
				return ""
			}
			exists = true
		} else if !task || s.Kind == flow.Task {
			names = append(names, s.Name)
		}
	}
	problem := "the flow has no state " + value.Quote(name)
	if exists {
		problem = "the state " + value.Quote(name) + " is no task, so it calls nothing"
	}
	if near := suggest.Hint(name, names); near != "" {
		problem += "; " + near
	}
	return problem
}
