package statemachine

import (
	"unicode"
	"unicode/utf8"

	"millrace/shared/flow"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// scope is a list of states that is being compiled.
type scope struct {
	index map[string]int // by name; the first state of a name
	names []string
	mode  string

	outer *scope // the scope of the Parallel or Map that this scope belongs to; nil at the top
	owner string // the name of that state
	what  string // what this scope is of it: a branch or an iteration
}

// scope checks and compiles `StartAt` and `States` of n: the definition, a branch or a processor.
// It fills in the names of s.
func (c *compiler) scope(n *yamldoc.Node, path *yamldoc.Path, s *scope) *flow.Scope {
	out := &flow.Scope{}
	list := n.Get("States")
	where := path.Key("States")
	switch {
	case list == nil:
		c.Error("V04", n, where, "", "is missing")
	case list.Kind != yamldoc.List:
		c.Error("V04", list, where, "write a list of states, each with its own Name",
			"must be a list, not %s", list.Kind)
		list = nil
	case len(list.Items) == 0:
		c.Error("V04", list, where, "", "must not be empty")
		list = nil
	}
	if list == nil {
		return out
	}
	c.names(list, where, s)
	c.start(n, path, s, out)
	out.States = make([]*flow.State, len(list.Items))
	for i, item := range list.Items {
		out.States[i] = c.state(item, where.Item(i, s.names[i]), s)
	}
	return out
}

// names reads the names of a list of states before the states are compiled, so that targets can be
// resolved.
func (c *compiler) names(list *yamldoc.Node, path *yamldoc.Path, s *scope) {
	s.index, s.names = make(map[string]int, len(list.Items)), make([]string, len(list.Items))
	for i, item := range list.Items {
		name := c.stateName(item, path, i)
		s.names[i] = name
		if name == "" {
			continue
		}
		if first, ok := s.index[name]; ok {
			c.Error("V06", item.Get("Name"), path.Item(i, name).Key("Name"), "",
				"is the name of States[%d] of this scope too", first)
			continue
		}
		s.index[name] = i
	}
}

// stateName checks a state's name. It returns "" if the name cannot be used.
func (c *compiler) stateName(item *yamldoc.Node, path *yamldoc.Path, i int) string {
	at := path.Item(i, "")
	if item.Kind != yamldoc.Map {
		c.Error("V07", item, at, "", "must be a mapping, not %s", item.Kind)
		return ""
	}
	n := item.Get("Name")
	switch {
	case n == nil:
		c.Error("V07", item, at.Key("Name"), "", "is missing")
	case n.Kind != yamldoc.String:
		c.Error("V07", n, at.Key("Name"), "put the name in quotes", "must be a string, not %s",
			n.Kind)
	case !validStateName(n.Text):
		c.Error("V07", n, at.Key("Name"), "",
			"must have 1 to 128 characters, none of them a control character")
	default:
		return n.Text
	}
	return ""
}

func validStateName(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return s != "" && utf8.RuneCountInString(s) <= 128
}

func (c *compiler) start(n *yamldoc.Node, path *yamldoc.Path, s *scope, out *flow.Scope) {
	start := n.Get("StartAt")
	switch {
	case start == nil:
		c.Error("V05", n, path.Key("StartAt"), "", "is missing")
	case start.Kind != yamldoc.String:
		c.Error("V05", start, path.Key("StartAt"), "", "must be a string, not %s", start.Kind)
	default:
		out.Start, _ = c.target("V05", start, path.Key("StartAt"), s)
	}
}

// target resolves the name of a state in the scope.
func (c *compiler) target(rule string, n *yamldoc.Node, path *yamldoc.Path, s *scope) (int, bool) {
	if n.Kind != yamldoc.String {
		c.Error(rule, n, path, "", "must be the name of a state, not %s", n.Kind)
		return flow.End, false
	}
	i, ok := s.index[n.Text]
	if ok {
		return i, true
	}
	if s.outside(n.Text) {
		c.Error(rule, n, path, "end the "+s.what+" with End: true or a Succeed state; the Next of "+
			value.Quote(s.owner)+" says what follows", "%q is outside this %s, which cannot be left",
			cut(n.Text), s.what)
	} else {
		c.Error(rule, n, path, c.Suggest(n.Text, s.names), "no state of this scope has the name %q",
			cut(n.Text))
	}
	return flow.End, false
}

// outside reports whether a scope around this one has a state with the name.
func (s *scope) outside(name string) bool {
	for s = s.outer; s != nil; s = s.outer {
		if _, ok := s.index[name]; ok {
			return true
		}
	}
	return false
}

// after returns the name of the state that is written after the state with the name; "" if there
// is none.
func (s *scope) after(name string) string {
	if i, ok := s.index[name]; ok && i+1 < len(s.names) {
		return s.names[i+1]
	}
	return ""
}

// cut shortens a text of the definition for a message.
func cut(s string) string {
	const lengthMax = 64
	if utf8.RuneCountInString(s) <= lengthMax {
		return s
	}
	return string([]rune(s)[:lengthMax]) + "…"
}
