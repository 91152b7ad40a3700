package engine

import (
	"errors"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// TestResultsOfAcceptorsAreNotRequeued: a result whose commit has failed, in a process that does not
// go on with the execution, is given up. Who waits for that holds the execution in memory, for ever
// if it is not said.
func TestResultsOfAcceptorsAreNotRequeued(t *testing.T) {
	r := New(Options{Store: store.New(store.Options{Driver: memstore.New()}), Limits: flow.DefaultLimits(), AcceptOnly: true})
	failed := errors.New("the store is away")
	var told []error
	news := func(n interp.Message) *envelope {
		return &envelope{message: n, done: func(a reply) { told = append(told, a.err) }}
	}
	r.requeue(&mailbox{partition: "x#f#x"}, []*envelope{news(interp.Message{Kind: interp.CallCompleted}),
		news(interp.Message{Kind: interp.Delivered}), news(interp.Message{Kind: interp.StopRequested})}, failed)
	if len(told) != 3 || told[0] != failed || told[1] != failed || told[2] != failed {
		t.Errorf("told %v", told)
	}
}
