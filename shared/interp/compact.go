package interp

import (
	"slices"

	"millrace/shared/flow"
)

// keptTreeMax is the length in bytes up to which DropTrees keeps the tree of a value.
const keptTreeMax = 4 << 10

// DropTrees frees the decoded trees of the state's longer values. It is for a state that waits in
// memory or has ended: Step decodes again what it needs.
func (s *State) DropTrees() {
	s.eachValue(func(v *flow.Value) { v.DropTree(keptTreeMax) })
}

// Size returns roughly how many bytes the values of the state take after DropTrees. It errs on the
// high side: a value used in several places counts in each.
func (s *State) Size() int {
	n := 0
	s.eachValue(func(v *flow.Value) { n += len(v.Text()) })
	return n
}

// eachValue calls f for every value of the state, once for each place that uses it.
func (s *State) eachValue(f func(*flow.Value)) {
	visit := func(values ...*flow.Value) {
		for _, v := range values {
			if v != nil {
				f(v)
			}
		}
	}
	visit(s.Input, s.Output)
	for _, v := range s.Globals {
		visit(v)
	}
	for i := range s.Outbox {
		visit(s.Outbox[i].Output)
	}
	if s.root != nil {
		s.root.eachValue(visit)
	}
}

// eachValue visits the values of a scope, of the scopes inside it, and of what it keeps for a
// redrive.
func (sc *scope) eachValue(visit func(...*flow.Value)) {
	visit(sc.input, sc.local)
	for _, e := range [...]*entry{sc.cur, sc.left} {
		if e == nil {
			continue
		}
		visit(e.input, e.result, e.storedItems)
		visit(e.results...)
		if e.attempt != nil {
			visit(e.attempt.params)
		}
		for _, r := range [...]*mapRun{e.mapRun, e.leftRun} {
			r.eachValue(func(v *flow.Value) { visit(v) })
		}
		for _, inner := range slices.Concat(e.running, e.left) {
			inner.eachValue(visit)
		}
	}
}

// RowRefs returns where the values of the state are that have rows of their own, some of them more
// than once.
func (s *State) RowRefs() (refs []flow.Ref) {
	add := func(v *flow.Value) {
		if v.Ref().Kind == flow.RefRow {
			refs = append(refs, v.Ref())
		}
	}
	s.eachValue(add)
	if s.root != nil {
		s.root.eachBlock(add)
	}
	return refs
}

// eachBlock calls f for every block of results in a scope and in the scopes inside it.
func (sc *scope) eachBlock(f func(*flow.Value)) {
	for _, e := range [...]*entry{sc.cur, sc.left} {
		if e == nil {
			continue
		}
		for _, b := range e.blocks {
			if b != nil {
				f(b)
			}
		}
		for _, inner := range slices.Concat(e.running, e.left) {
			inner.eachBlock(f)
		}
	}
}
