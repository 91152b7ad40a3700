package engine

import (
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// searchKeys returns the search keys of an execution that starts. A child of a MapRun has none: its
// input is a batch of items.
func (s *Start) searchKeys() []flow.SearchKey {
	if len(s.Flow.SearchKeys) == 0 || s.MapNode > 0 {
		return nil
	}
	tree := s.Tree
	if tree == nil {
		var err error
		if tree, err = value.Decode(s.Canonical); err != nil {
			return nil
		}
	}
	return flow.SearchKeys(s.Flow.SearchKeys, tree)
}

// failure returns where an execution failed that ends in this commit; nil if it has not failed.
func (t *transaction) failure() *store.Failure {
	m := t.mailbox
	if m.state.Status != flow.Failed && m.state.Status != flow.TimedOut {
		return nil
	}
	state := t.failedState()
	return &store.Failure{State: state,
		Group: flow.FailureGroup(m.x.Flow, state, m.state.Error)}
}

// failedState returns the name of the state that failed first of those whose failures led to the
// end; "" if none did. It looks as far back as the state row has the history: the failures follow
// each other in one step, unless its budget has ended it.
func (t *transaction) failedState() string {
	m := t.mailbox
	if m.machine == nil {
		return ""
	}
	before, err := flow.DecodeEvents(m.x.Tail, m.x.Started)
	if err != nil {
		return ""
	}
	failures := map[int64]*flow.HistoryEvent{}
	for _, events := range [...][]flow.HistoryEvent{before, t.out.Events} {
		for i := range events {
			if events[i].Error != nil {
				failures[events[i].ID] = &events[i]
			}
		}
	}
	node := -1
	for e := failures[m.state.LastEvent]; e != nil; e = failures[e.Schedule] {
		if e.Node >= 0 {
			node = e.Node
		}
	}
	if node < 0 {
		return ""
	}
	return m.machine.Nodes[node].Name
}
