package interp

import "millrace/shared/flow"

// keptTreeMax is up to how many bytes of text a value keeps its tree at rest.
const keptTreeMax = 4 << 10

// DropTrees drops what has been decoded of the state's longer values. It is for a state that waits in memory, or has ended there:
// Step makes again what it needs.
func (s *State) DropTrees() {
	s.eachValue(func(v *flow.Value) { v.DropTree(keptTreeMax) })
}

// Size is about how many bytes the state's values take at rest, rather more than fewer: one that stands in several places
// counts in each.
func (s *State) Size() int {
	n := 0
	s.eachValue(func(v *flow.Value) { n += len(v.Text()) })
	return n
}

// eachValue calls f for every value that the state holds, once for each place.
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
		visit(s.root.input, s.root.local)
	}
	s.each(func(e *entry) {
		visit(e.scope.input, e.scope.local, e.input, e.result, e.storedItems)
		visit(e.results...)
		if e.attempt != nil {
			visit(e.attempt.params)
		}
	})
}
