package engine

import (
	"errors"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// TestResultsOfAcceptorsAreNotRequeued: an acceptor does not requeue a result whose commit failed.
// The result must fail, because the goroutine that waits for its reply holds the execution in
// memory.
func TestResultsOfAcceptorsAreNotRequeued(t *testing.T) {
	r := New(Options{Store: store.New(store.Options{Driver: memstore.New()}),
		Limits: flow.DefaultLimits(), AcceptOnly: true})
	failed := errors.New("the store is away")
	var told []error
	submitted := func(n interp.Message) *envelope {
		return &envelope{message: n, done: func(a reply) { told = append(told, a.err) }}
	}
	r.requeue(&mailbox{partition: "x#f#x"},
		[]*envelope{submitted(interp.Message{Kind: interp.CallCompleted}),
			submitted(interp.Message{Kind: interp.Delivered}),
			submitted(interp.Message{Kind: interp.StopRequested})}, failed)
	if len(told) != 3 || told[0] != failed || told[1] != failed || told[2] != failed {
		t.Errorf("told %v", told)
	}
}
