package statemachine

import (
	"slices"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// reader says whose expression is being compiled.
type reader struct {
	state *flow.State
	raw   bool // in InputConstructor, whose $Input is the output of the state before
}

// read is a member of $Input or $Global that an expression selects.
type read struct {
	reader
	root expr.Root
	name string
	node *yamldoc.Node
	path *yamldoc.Path
}

// recordReads records what an expression selects, for the checks that need the whole machine.
func (c *compiler) recordReads(e *expr.Expr, n *yamldoc.Node, path *yamldoc.Path) {
	record := func(root expr.Root, names []string) {
		if len(names) > 0 {
			c.reads = append(c.reads, read{c.reader, root, names[0], n, path})
		}
	}
	for _, names := range e.Selections(expr.Input) {
		record(expr.Input, names)
	}
	for _, names := range e.Selections(expr.Global) {
		record(expr.Global, names)
	}
	for _, names := range e.Selections(expr.Context) {
		if len(names) > 2 && names[0] == "Current" && names[1] == "Input" {
			record(expr.Input, names[2:])
		}
	}
}

// checkReads warns of members of $Global that no state writes, and of members of $Input that a
// state cannot have because the error of a Catch is its input.
func (c *compiler) checkReads() {
	if c.Failed() || len(c.reads) == 0 {
		return
	}
	written := c.globals()
	caught := caughtErrors(c.machine.Root)
	for _, r := range c.reads {
		if r.root == expr.Global {
			if !slices.Contains(written, r.name) {
				c.neverWritten(r, written)
			}
			continue
		}
		from := caught[r.state]
		if from == nil || r.state.Input != nil && !r.raw || r.name == "Code" || r.name == "Detail" {
			continue
		}
		c.Warn(r.node, r.path, "keep it in that rule of Catch: OutputConstructor: {"+r.name+
			".$: $Input."+r.name+"}",
			"$Input has no %s: it is {Code, Detail}, the error that the Catch of %s caught",
			value.Quote(r.name), value.Quote(from.Name))
	}
}

// globals returns the names of the members of $Global that states write, sorted.
func (c *compiler) globals() (names []string) {
	for _, st := range c.machine.Nodes {
		if st.Global != nil {
			names = append(names, st.Global.Names()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *compiler) neverWritten(r read, written []string) {
	hint := c.Suggest(r.name, written)
	if hint == "" {
		hint = "write it with the GlobalConstructor of an earlier state"
	}
	c.Warn(r.node, r.path, hint, "no state writes $Global.%s", r.name)
}

// caughtErrors returns the states whose input is certainly the error of a Catch, with the state
// that has this Catch: each way to them comes from a rule without an OutputConstructor, directly or
// through states that pass their input on.
func caughtErrors(root *flow.Scope) map[*flow.State]*flow.State {
	a := &caughtInputs{from: make(map[*flow.State]*flow.State)}
	a.scope(root, nil)
	return a.from
}

type caughtInputs struct {
	from map[*flow.State]*flow.State
}

// scope analyses a scope. from is set if the input of the scope is an error.
func (a *caughtInputs) scope(s *flow.Scope, from *flow.State) {
	if len(s.States) == 0 {
		return
	}
	ways := make([]int, len(s.States)) // to each state, without those that bring an error
	for _, st := range s.States {
		for _, next := range follow(st) {
			ways[next]++
		}
		for i := range st.Catch {
			ways[st.Catch[i].Next]++
		}
	}
	ways[s.Start]++
	var todo []int
	bring := func(to int, from *flow.State) {
		if ways[to]--; ways[to] == 0 {
			a.from[s.States[to]] = from
			todo = append(todo, to)
		}
	}
	if from != nil {
		bring(s.Start, from)
	}
	for _, st := range s.States {
		for i := range st.Catch {
			if st.Catch[i].Output == nil {
				bring(st.Catch[i].Next, st)
			}
		}
	}
	for len(todo) > 0 {
		st := s.States[todo[0]]
		todo = todo[1:]
		if passesOn(st) {
			for _, next := range follow(st) {
				bring(next, a.from[st])
			}
		}
	}
	for _, st := range s.States {
		inner := a.from[st]
		if st.Input != nil {
			inner = nil
		}
		for _, branch := range st.Parallel {
			a.scope(branch, inner)
		}
		if st.Map != nil && st.Map.Processor != nil {
			a.scope(st.Map.Processor, nil)
		}
	}
}

// follow returns the states to which a state hands its output.
func follow(st *flow.State) (next []int) {
	if st.Choice == nil {
		if st.Next >= 0 {
			next = append(next, st.Next)
		}
		return next
	}
	for i := range st.Choice.Options {
		next = append(next, st.Choice.Options[i].Next)
	}
	return append(next, st.Choice.Default.Next)
}

// passesOn reports whether the output of a state is its input.
func passesOn(st *flow.State) bool {
	return st.Input == nil && st.Output == nil &&
		(st.Kind == flow.Pass || st.Kind == flow.Wait || st.Kind == flow.Choice)
}
