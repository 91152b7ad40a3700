// Package lint warns of what a definition may say, but cannot mean: names of errors and actions
// that do not exist, rules and states that are never reached, loops that never end. It serves the
// front ends of both dialects.
package lint

import (
	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// Words are the words and keys of a dialect.
type Words struct {
	State   string // what a node of the flow is called
	Retry   string // the keys of its rules
	Catch   string
	Errors  string // the key of a rule's error names
	Options string // the keys of a Choice
	Default string

	flowErrors string // product of the errors of CloudFlow's own API
}

// The words of the dialects.
var (
	StateMachine = Words{State: "state", Retry: "Retry", Catch: "Catch", Errors: "Errors",
		Options: "Branches", Default: "Default", flowErrors: "FNF"}
	FlowV1 = Words{State: "step", Retry: "retry", Catch: "catch", Errors: "errors",
		Options: "choices", Default: "default", flowErrors: "fnf"}
)

// Linter collects places of a definition while a front end compiles it, and checks the machine
// afterwards.
type Linter struct {
	report *yamldoc.Report
	words  *Words
	states []place // by node number
	errors []place // of names in the rules of Retry and Catch
}

// New returns a Linter that adds its warnings to the report.
func New(report *yamldoc.Report, words *Words) *Linter {
	return &Linter{report: report, words: words}
}

// place is a value of the definition.
type place struct {
	node *yamldoc.Node
	path *yamldoc.Path
}

func (p place) key(key string) place { return place{p.node.Get(key), p.path.Key(key)} }

func (p place) item(i int) place { return place{p.node.Items[i], p.path.Item(i, "")} }

// State records the place of the state with the next node number.
func (l *Linter) State(n *yamldoc.Node, path *yamldoc.Path) {
	l.states = append(l.states, place{n, path})
}

// Error records the place of an error name in a rule of Retry or Catch.
func (l *Linter) Error(n *yamldoc.Node, path *yamldoc.Path) {
	l.errors = append(l.errors, place{n, path})
}

// Check checks the machine that was compiled. What depends on the targets of states is checked only
// if the report has no error, because a wrong target is missing in the machine.
func (l *Linter) Check(m *flow.Machine) {
	l.errorNames(m)
	if !l.report.Failed() && m.Root != nil {
		l.scope(m.Root)
	}
}

func (l *Linter) warn(p place, hint, format string, args ...any) {
	l.report.Warn(p.node, p.path, hint, format, args...)
}

// scope checks the states of a scope and of the scopes inside it. It reports whether a state at any
// depth works, waits or fails, so that a loop around the scope takes time or may end.
func (l *Linter) scope(s *flow.Scope) (busy bool) {
	if len(s.States) == 0 {
		return false
	}
	busyStates := make([]bool, len(s.States))
	for i, st := range s.States {
		at := l.states[st.Node]
		l.rules(st, at)
		inside := false
		each(st, func(s *flow.Scope) { inside = l.scope(s) || inside })
		busyStates[i] = inside || st.Kind == flow.Task || st.Kind == flow.Wait ||
			st.Kind == flow.Fail
		busy = busy || busyStates[i]
	}
	l.reach(s, busyStates)
	return busy
}

// each calls visit with every scope that belongs to a state.
func each(st *flow.State, visit func(*flow.Scope)) {
	for _, branch := range st.Parallel {
		visit(branch)
	}
	if st.Map != nil {
		visit(st.Map.Processor)
	}
	if st.Choice == nil {
		return
	}
	for i := range st.Choice.Options {
		if s := st.Choice.Options[i].Scope; s != nil {
			visit(s)
		}
	}
	if s := st.Choice.Default.Scope; s != nil {
		visit(s)
	}
}

// Selects reports whether an expression of the template may read a member of $Context, directly or
// with what surrounds it.
func Selects(t *expr.Template, names ...string) bool {
	if t == nil {
		return false
	}
	for e := range t.Exprs() {
		for _, list := range e.Selections(expr.Context) {
			if prefix(list, names) || prefix(names, list) {
				return true
			}
		}
	}
	return false
}

func prefix(names, list []string) bool {
	if len(names) > len(list) {
		return false
	}
	for i, name := range names {
		if list[i] != name {
			return false
		}
	}
	return true
}
