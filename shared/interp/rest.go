package interp

import "millrace/shared/flow"

// treeKept is up to how many bytes of text a value keeps its tree at rest.
const treeKept = 4 << 10

// Rest drops what has been decoded of the state's longer values. It is for a state that waits in memory, or has ended there:
// Step makes again what it needs.
func (s *State) Rest() {
	forget(s.Input, s.Output)
	for _, v := range s.Globals {
		forget(v)
	}
	for i := range s.Outbox {
		forget(s.Outbox[i].Output)
	}
	if s.root != nil {
		forget(s.root.input, s.root.local)
	}
	s.each(func(e *entry) {
		forget(e.scope.input, e.scope.local, e.input, e.result, e.list)
		forget(e.done...)
		if e.attempt != nil {
			forget(e.attempt.params)
		}
	})
}

func forget(values ...*flow.Value) {
	for _, v := range values {
		if v != nil {
			v.ForgetTree(treeKept)
		}
	}
}
