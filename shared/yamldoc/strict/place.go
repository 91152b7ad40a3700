package strict

import (
	"strings"

	"millrace/shared/yamldoc"
)

// Place is a value in a text that is being decoded.
type Place struct {
	d            *decoder
	node         *yamldoc.Node
	line, column int
	name         string // qualified
}

// Failf reports a mistake at the place, unless there is one already in the value.
func (p Place) Failf(format string, args ...any) {
	if !p.d.broken[p.node] {
		p.d.failAt(p.line, p.column, format, args...)
	}
}

// Has reports whether a mapping has a member.
func (p Place) Has(name string) bool { return p.field(name) != nil }

// Require reports whether a mapping has a member, and reports a mistake if it has not.
func (p Place) Require(name string) bool {
	has := p.Has(name)
	if !has {
		p.d.fail(p.node, "%s is missing", qualified(p.name, name))
	}
	return has
}

// Len returns the number of a mapping's members.
func (p Place) Len() int { return len(p.node.Fields) }

// Member returns the place of a member's value, or p if there is no such member.
func (p Place) Member(name string) Place {
	if f := p.field(name); f != nil {
		return Place{p.d, f.Value, f.Value.Line, f.Value.Column, qualified(p.name, name)}
	}
	return p
}

// Key returns the place of a member's key, or p if there is no such member.
func (p Place) Key(name string) Place {
	if f := p.field(name); f != nil {
		return Place{p.d, f.Value, f.Line, f.Column, qualified(p.name, name)}
	}
	return p
}

func (p Place) field(name string) *yamldoc.Field {
	for i := range p.node.Fields {
		f := &p.node.Fields[i]
		if f.Key == name || p.d.Settings && strings.EqualFold(f.Key, name) {
			return f
		}
	}
	return nil
}
