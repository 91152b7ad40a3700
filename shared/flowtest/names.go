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

// inTasks is the key below which a name must be that of a Task state, inItems the key below which it
// must be that of a Map with an ItemReader.
const (
	inTasks = "tasks"
	inItems = "items"
)

// UnknownStates returns one line for each name in the case that is not a state of the flow or,
// below tasks, items and calls, not a state that calls something. Such a mock would never be used,
// and such an expectation might be met for the wrong reason.
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
		if problem := unknownState(m, n.name, n.where); problem != "" {
			list = append(list, mistake{n.line, n.column, n.where + ": " + problem})
			if len(list) > mistakesMax {
				break
			}
		}
	}
	return list
}

// wanted returns what a state must be whose name is below a key.
func wanted(where string) func(s *flow.State) bool {
	reads := func(s *flow.State) bool {
		return s.Map != nil && s.Map.Distributed != nil && s.Map.Distributed.Reader != nil
	}
	task := func(s *flow.State) bool { return s.Kind == flow.Task }
	switch where {
	case "visited", "stepsEntered", "waits", "states":
		return func(*flow.State) bool { return true }
	case inTasks:
		return task
	case inItems:
		return reads
	}
	return func(s *flow.State) bool { return task(s) || reads(s) }
}

// unknownState says what is wrong with a name below a key; "" if it is a state of the flow that may
// be there.
func unknownState(m *flow.Machine, name, where string) string {
	wanted := wanted(where)
	var names []string
	exists := false
	for _, s := range m.Nodes {
		if s.Name == name {
			if wanted(s) {
				return ""
			}
			exists = true
		} else if wanted(s) {
			names = append(names, s.Name)
		}
	}
	problem := "the flow has no state " + value.Quote(name)
	if exists {
		problem = "the state " + value.Quote(name) + " is no task, so it calls nothing"
		if where == inItems {
			problem = "the state " + value.Quote(name) + " is no Map with an ItemReader"
		}
	}
	if near := suggest.Hint(name, names); near != "" {
		problem += "; " + near
	}
	return problem
}
