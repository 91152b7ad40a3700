package flowv1

import (
	"unicode"
	"unicode/utf8"

	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// siblings is a list of steps that is being compiled.
type siblings struct {
	index map[string]int // by name; the first step of a name
	names []string
	outer *siblings // the list of the step that contains this list; nil at the top
	leave string    // hint: how to leave this list
}

// How to leave a list of steps.
const (
	leaveOption = "put the goto into the option of the choice, beside steps"
	leaveBranch = "end: true on a step ends its list; the step that contains the list says what " +
		"follows"
)

// outside reports whether a list around this one has a step with the name.
func (s *siblings) outside(name string) bool {
	for s = s.outer; s != nil; s = s.outer {
		if _, ok := s.index[name]; ok {
			return true
		}
	}
	return false
}

// scope compiles a list of steps. It fills in the names of s.
func (c *compiler) scope(list *yamldoc.Node, path *yamldoc.Path, s *siblings) *flow.Scope {
	out := &flow.Scope{Start: flow.End}
	if len(list.Items) == 0 {
		return out
	}
	out.Start = 0
	s.index, s.names = make(map[string]int, len(list.Items)), make([]string, len(list.Items))
	for i, n := range list.Items {
		name := ""
		if n.Kind == yamldoc.Map {
			if v := n.Get("name"); v != nil && v.Kind == yamldoc.String {
				name = v.Text
			}
		}
		s.names[i] = name
		if _, again := s.index[name]; name != "" && !again {
			s.index[name] = i
		}
	}
	out.States = make([]*flow.State, len(list.Items))
	for i, n := range list.Items {
		out.States[i] = c.step(n, path.Item(i, s.names[i]), s, i)
	}
	return out
}

// name checks a step's name and reserves it in the whole flow.
func (c *compiler) name(n *yamldoc.Node, path *yamldoc.Path) string {
	v := n.Get("name")
	if v == nil {
		c.Error("F03", n, path.Key("name"), "", "is missing")
		return ""
	}
	if v = c.text(n, path, "name"); v == nil {
		return ""
	}
	if !validName(v.Text) {
		c.Error("F03", v, path.Key("name"), "",
			"must have 1 to 128 characters, none of them a control character")
		return ""
	}
	if line, again := c.taken[v.Text]; again {
		c.Error("F04", v, path.Key("name"), "names are unique in the whole flow",
			"is the name of the step in line %d too", line)
	} else {
		c.taken[v.Text] = n.Line
	}
	return v.Text
}

func validName(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return s != "" && utf8.RuneCountInString(s) <= 128
}

// target resolves a goto to a sibling; it returns missing if there is no goto.
func (c *compiler) target(n *yamldoc.Node, path *yamldoc.Path, s *siblings, missing int) int {
	v := c.text(n, path, "goto")
	if v == nil {
		return missing
	}
	i, ok := s.index[v.Text]
	switch {
	case ok:
		return i
	case s.outside(v.Text):
		c.Error("F05", v, path.Key("goto"), s.leave,
			"%q is outside this list of steps, which a goto cannot leave", cut(v.Text))
	default:
		c.Error("F05", v, path.Key("goto"), c.Suggest(v.Text, s.names),
			"no step of the same list has the name %q", cut(v.Text))
	}
	return missing
}
