package strict

import (
	"slices"
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

// field returns a member. Its exact name comes first: a mapping may have names that differ only in
// case.
func (p Place) field(name string) *yamldoc.Field {
	fields := p.node.Fields
	i := slices.IndexFunc(fields, func(f yamldoc.Field) bool { return f.Key == name })
	if i < 0 && p.d.Settings {
		i = slices.IndexFunc(fields, func(f yamldoc.Field) bool {
			return strings.EqualFold(f.Key, name)
		})
	}
	if i < 0 {
		return nil
	}
	return &fields[i]
}
