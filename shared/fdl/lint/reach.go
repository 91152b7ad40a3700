package lint

import (
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// reach warns of states that no path reaches, and of loops that never end.
func (l *Linter) reach(s *flow.Scope, busy []bool) {
	seen := reached(s)
	for i, ok := range seen {
		if !ok {
			l.warn(l.states[s.States[i].Node], "", "no way leads to this %s", l.words.State)
		}
	}
	l.endless(s, seen, busy)
}

// successors calls visit with what may follow a state: the index of a state, or flow.End.
func successors(st *flow.State, visit func(next int)) {
	for i := range st.Catch {
		visit(st.Catch[i].Next)
	}
	if st.Choice == nil {
		visit(st.Next)
		return
	}
	for i := range st.Choice.Options {
		visit(target(st, st.Choice.Options[i]))
	}
	visit(target(st, st.Choice.Default))
}

func target(st *flow.State, o flow.Option) int {
	if o.Next == flow.StateNext {
		return st.Next
	}
	return o.Next
}

// reached returns which states a path from the start reaches.
func reached(s *flow.Scope) []bool {
	seen := make([]bool, len(s.States))
	todo := make([]int, 0, len(s.States))
	visit := func(i int) {
		if i >= 0 && !seen[i] {
			seen[i] = true
			todo = append(todo, i)
		}
	}
	visit(s.Start)
	for len(todo) > 0 {
		st := s.States[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		successors(st, visit)
	}
	return seen
}

// leaving returns which states have a path to the end of the scope, or to a state that is busy.
func leaving(s *flow.Scope, busy []bool) []bool {
	before := make([][]int, len(s.States))
	out := make([]bool, len(s.States))
	var todo []int
	visit := func(i int) {
		if !out[i] {
			out[i] = true
			todo = append(todo, i)
		}
	}
	for i, st := range s.States {
		if busy[i] || st.Kind == flow.Succeed {
			visit(i)
		}
		successors(st, func(next int) {
			if next < 0 {
				visit(i)
			} else {
				before[next] = append(before[next], i)
			}
		})
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, b := range before[i] {
			visit(b)
		}
	}
	return out
}

// endless warns of loops that nothing leaves and in which nothing takes time. They run until the
// limit of events ends the execution.
func (l *Linter) endless(s *flow.Scope, reached, busy []bool) {
	out := leaving(s, busy)
	walk := make([]int, len(s.States)) // the number of the walk that has come through a state
	for i := range s.States {
		if !reached[i] || out[i] || walk[i] > 0 {
			continue
		}
		at := i
		for walk[at] == 0 {
			walk[at] = i + 1
			at = first(s.States[at])
		}
		if walk[at] == i+1 { // otherwise the walk has come to a loop that has a warning
			l.loop(s, at)
		}
	}
}

// first returns one of the states that may follow a state that does not leave the scope.
func first(st *flow.State) int {
	next := flow.End
	successors(st, func(i int) { next = i })
	return next
}

// loop adds the warning about the loop that a state belongs to.
func (l *Linter) loop(s *flow.Scope, at int) {
	const namesMax = 5 // in the message
	start := at
	for i := first(s.States[at]); i != at; i = first(s.States[i]) {
		start = min(start, i)
	}
	var names []string
	for i := start; ; {
		if len(names) == namesMax {
			names = append(names, "…")
			break
		}
		names = append(names, value.Quote(s.States[i].Name))
		if i = first(s.States[i]); i == start {
			break
		}
	}
	l.warn(l.states[s.States[start].Node],
		"let a Choice lead out of it, or put a Wait or a Task into it",
		"the loop of %s never ends", strings.Join(names, ", "))
}
