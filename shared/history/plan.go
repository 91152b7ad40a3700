package history

import (
	"cmp"
	"time"

	"millrace/shared/expr"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// Define sets the definition of the execution, which says more than its history: how many items a
// Map has, and when a failed attempt is repeated. Without one, or with one that this program does
// not accept, that is not shown.
func (p *Places) Define(text string) {
	p.machine, _ = fdl.Parse([]byte(text), fdl.Options{}) // Standard accepts all that Express does
}

// specOf returns the state that a place is an entry of; nil if it is not known.
func (p *Places) specOf(at *Place) *flow.State {
	var candidates []*flow.Scope
	switch owner := at.Scope.Owner; {
	case p.machine == nil:
	case owner == nil:
		candidates = []*flow.Scope{p.machine.Root}
	case owner.spec != nil:
		candidates = scopesOf(owner.spec, at.Scope.index)
	}
	for _, s := range candidates {
		for _, st := range s.States {
			if st.Name == at.State {
				return st
			}
		}
	}
	return nil
}

// scopesOf returns the scopes of a state that its branch or item with this index may be in.
func scopesOf(st *flow.State, index int) (list []*flow.Scope) {
	switch {
	case st.Map != nil:
		return []*flow.Scope{st.Map.Processor}
	case index < len(st.Parallel):
		return st.Parallel[index : index+1]
	case st.Choice != nil:
		for _, o := range append(st.Choice.Options[:len(st.Choice.Options):len(st.Choice.Options)],
			st.Choice.Default) {
			if o.Scope != nil {
				list = append(list, o.Scope)
			}
		}
	}
	return list
}

// EndsScope reports whether the success of a state ends its branch or item.
func (at *Place) EndsScope() bool {
	st := at.spec
	return st != nil && (st.Kind == flow.Succeed || st.Kind != flow.Choice && st.Next == flow.End)
}

// itemsOf returns the number of items of a Map from the event that begins it, whose detail shows
// its input; 0 if the list depends on anything else.
func itemsOf(st *flow.State, e *client.Event) int {
	if st == nil || st.Map == nil || st.Map.Items == nil || st.Map.Items.Roots()&^(expr.Input|expr.Default) != 0 {
		return 0
	}
	detail, err := value.Decode([]byte(e.EventDetail))
	if err != nil {
		return 0
	}
	members, _ := detail.(map[string]any)
	budget := expr.DefaultBudget()
	list, err := st.Map.Items.Eval(inputEnv{members["input"]}, &budget)
	if err != nil {
		return 0
	}
	items, _ := list.([]any)
	return len(items)
}

// inputEnv is the environment of an expression that depends on the input of its state alone.
type inputEnv struct{ input any }

// Root returns the input.
func (v inputEnv) Root(expr.Root) (any, error) { return v.input, nil }

// Random returns a constant, because nobody sees what the expression gives.
func (inputEnv) Random() [16]byte { return [16]byte{} }

// nextAttempt returns when the attempt after a failed one begins; zero if there is none, or it is
// not known.
func (p *Places) nextAttempt(at *Place, failed *client.Event) time.Time {
	if at.spec == nil || len(at.spec.Retry) == 0 {
		return time.Time{}
	}
	if at.retries == nil {
		at.retries = make([]int, len(at.spec.Retry))
	}
	name := ""
	if err := ErrorOf(failed); err != nil {
		name = err.Name
	}
	delay, ok := interp.NextRetry(p.machine.Dialect, at.spec, at.retries,
		cmp.Or(name, flow.ErrTaskTimeout))
	if !ok {
		return time.Time{}
	}
	return failed.Time.Time().Add(time.Duration(delay) * time.Millisecond)
}
