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
	e := New(Options{Store: store.New(store.Options{Driver: memstore.New()}),
		Limits: flow.DefaultLimits(), Topology: Functions})
	failed := errors.New("the store is away")
	var errs []error
	submitted := func(n interp.Message) *envelope {
		return &envelope{message: n, done: func(a reply) { errs = append(errs, a.err) }}
	}
	e.requeue(&mailbox{partition: "x#f#x"},
		[]*envelope{submitted(interp.Message{Kind: interp.CallCompleted}),
			submitted(interp.Message{Kind: interp.Delivered}),
			submitted(interp.Message{Kind: interp.StopRequested})}, failed)
	if len(errs) != 3 || errs[0] != failed || errs[1] != failed || errs[2] != failed {
		t.Errorf("told %v", errs)
	}
}
