package engine

import (
	"context"
	"errors"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// defaultTransactionEvents and defaultTransactionWork are the numbers of events and of evaluation
// steps after which a transaction commits (docs/protocol.md#transaction). Messages that arrived
// meanwhile, such as a stop, are handled before the execution continues. That much work takes some
// 10 ms, or 100 ms in a flow with slow searches, including the last transition.
const (
	defaultTransactionEvents = 200
	defaultTransactionWork   = 100_000
)

// outcome is what a transaction has come to.
type outcome uint8

const (
	committed    outcome = iota
	conflict             // another writer was faster
	unknown              // the commit may have been applied
	gone                 // there is no such execution
	broken               // the interpreter panicked
	bodyTooLarge         // the open states need more data than the limit allows
	refused              // certainly not applied: full disk, damaged row, closing engine
	outcomes
)

// retriesMax is how often a transaction is repeated at once after each outcome. After broken and
// bodyTooLarge the repetition ends the execution.
var retriesMax = [outcomes]int{conflict: 8, unknown: 3, broken: 1, bodyTooLarge: 1}

// outcomeOf returns the outcome of a transaction that ended with err.
func outcomeOf(err error) outcome {
	var p *panicError
	var limited *share.LimitError
	is := func(e error) bool { return errors.Is(err, e) }
	switch {
	case err == nil:
		return committed
	case is(store.ErrNotFound):
		return gone
	case errors.As(err, &p):
		return broken
	case is(store.ErrBodyTooLarge):
		return bodyTooLarge
	case is(store.ErrConflict):
		return conflict
	case is(store.ErrDiskFull), is(store.ErrFormat), is(store.ErrMissing), is(context.Canceled),
		errors.As(err, &limited):
		return refused
	}
	return unknown
}

// kind says what an envelope holds, as far as a failed transaction asks.
type kind uint8

const (
	startKind    kind = iota
	externalKind      // a report or a stop: its caller may try again
	resultKind        // the result of a call or a delivery, which this process alone has
	returnedKind      // a call that this process gives back
	wakeKind          // a reason to look
	kinds
)

// kind returns the kind of an envelope.
func (it *envelope) kind() kind {
	switch {
	case it.start != nil:
		return startKind
	case it.isExternal():
		return externalKind
	case it.message.Kind == interp.CallCompleted, it.message.Kind == interp.Delivered:
		return resultKind
	case it.message.Kind == interp.CallReturned:
		return returnedKind
	}
	return wakeKind
}

// isKept says which envelopes are tried again later when a transaction has failed for good. The
// others are rejected: someone else makes them again.
var isKept = [kinds]bool{resultKind: true, returnedKind: true}

// commitWithRetry runs a transaction until it commits. After a conflict or an unknown outcome it
// loads the execution again and handles the same messages again
// (docs/protocol.md#outcomes-of-a-transaction). Messages from outside that fail too often are
// rejected and go to the inbox; the others are retried. look says that there is something to do
// even without messages.
func (e *Engine) commitWithRetry(m *mailbox, items []*envelope, look bool) {
	var fatal *flow.Error
	var retries [outcomes]int
	engineCounted := false
	for {
		t := newTransaction(e, m, items)
		t.fatal, t.engineCounted = fatal, &engineCounted
		err := t.run()
		m.work.note(err)
		result := outcomeOf(err)
		if result == committed {
			return
		}
		m.invalidate()
		for _, it := range items {
			it.mayBeCommitted = true
			it.failedCommits++
		}
		switch result {
		case gone:
			if store.Deleted(err) == nil {
				err = ErrNoExecution
			}
			failAll(items, err)
			m.work.note(nil)
			return
		case conflict, unknown:
			if items = e.rejectContended(m, items, err); len(items) == 0 && !look {
				return
			}
		}
		endsIt := result == broken || result == bodyTooLarge
		if retries[result] < retriesMax[result] && !(endsIt && fatal != nil) {
			retries[result]++
			if endsIt {
				fatal = e.fatalError(m.partition, err)
			}
			continue
		}
		e.logFailure(m.partition, err)
		e.requeue(m, items, err)
		return
	}
}

// fatalError returns the error that an execution ends with because it cannot be advanced.
func (e *Engine) fatalError(partition string, err error) *flow.Error {
	var p *panicError
	if !errors.As(err, &p) {
		return &flow.Error{Name: flow.ErrDataLimit,
			Cause: "the open states of the execution need more data than the limit allows"}
	}
	e.Log.Error("the interpreter broke; the execution fails", "partition", partition,
		"panic", p.value, "stack", string(p.stack))
	return &flow.Error{Name: "FnF.InternalError",
		Cause: "the engine broke while it advanced the execution"}
}

// logFailure logs a transaction that failed for good. The store has logged a full disk, and a limit
// concerns one account: no line for each request.
func (e *Engine) logFailure(partition string, err error) {
	var limited *share.LimitError
	if !errors.Is(err, store.ErrDiskFull) && !errors.As(err, &limited) {
		e.Log.Warn("commit failed", "partition", partition, "err", err)
	}
}

// externalCommitsMax is how many commits of a message from outside may fail before it goes to the
// inbox.
const externalCommitsMax = 3

// jitter bounds the random sleep after a failed commit of messages from outside.
var jitter = backoff.Policy{Min: 10 * time.Millisecond, Max: 80 * time.Millisecond}

// rejectContended rejects messages from outside that failed too often, and returns the other
// envelopes. If all of those come from outside, it first sleeps a random time, so that reporters in
// several processes do not collide again.
func (e *Engine) rejectContended(m *mailbox, items []*envelope, err error) []*envelope {
	kept := items[:0:0]
	external, failed := true, 0
	for _, it := range items {
		if it.isExternal() && it.failedCommits >= externalCommitsMax {
			failAll([]*envelope{it}, &contentionError{err})
			continue
		}
		kept = append(kept, it)
		external, failed = external && it.isExternal(), max(failed, it.failedCommits)
	}
	if external && len(kept) > 0 && !e.ownsStore() {
		sleepMax := jitter.After(failed - 1)
		backoff.Wait(e.ctx, time.Duration(e.Store.Random(m.partition)%uint64(sleepMax)))
	}
	return kept
}

// contentionError says that a message has lost the race for the state row, or may have lost it,
// externalCommitsMax times.
type contentionError struct{ last error }

func (e *contentionError) Error() string {
	return "engine: others were faster each time: " + e.last.Error()
}

func (e *contentionError) Unwrap() error { return e.last }

// requeueBackoff is the delay after which messages that could not be committed are submitted again.
// It doubles for a permanent error alone.
var requeueBackoff = backoff.Policy{Min: time.Second, Max: time.Hour}

// requeue submits again, after a delay, the messages that must not be lost: completed calls,
// returned calls and results of deliveries. It fails the other envelopes.
func (e *Engine) requeue(m *mailbox, items []*envelope, err error) {
	var kept []*envelope
	for _, it := range items {
		if k := it.kind(); isKept[k] && !(k == returnedKind && e.draining()) {
			kept = append(kept, it)
		} else {
			failAll([]*envelope{it}, err)
		}
	}
	delay := nextRequeueDelay(kept, err)
	inTime := m.work == nil || e.nowMillis()+delay.Milliseconds() <= m.work.deadline
	if len(kept) == 0 || !inTime || !e.mayContinue(m) || !e.addGoroutine() {
		failAll(kept, err)
		return
	}
	work := m.work
	work.add()
	go func() {
		defer e.goroutines.Done()
		defer work.done()
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-e.closed: // try once more, while there is time
		}
		for _, it := range kept {
			e.submit(m.partition, it)
		}
	}()
}

// nextRequeueDelay returns the delay of envelopes whose transaction failed with err, and counts it.
func nextRequeueDelay(items []*envelope, err error) time.Duration {
	if !isPermanent(err) {
		return requeueBackoff.Min
	}
	requeues := 0
	for _, it := range items {
		requeues = max(requeues, it.requeues)
		it.requeues++
	}
	return requeueBackoff.After(requeues)
}

// isPermanent reports whether an error will stay until another version of the program runs, or the
// rows change.
func isPermanent(err error) bool {
	var p *panicError
	return errors.As(err, &p) || errors.Is(err, store.ErrFormat) || errors.Is(err, store.ErrMissing)
}

func failAll(items []*envelope, err error) {
	for _, it := range items {
		if it.done != nil {
			it.done(reply{err: err})
		}
	}
}
