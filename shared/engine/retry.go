package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// defaultTransactionEvents and defaultTransactionWork are the numbers of events and of evaluation
// steps after which a transaction commits (execution.md 1.4). Messages that arrived meanwhile, such
// as a stop, are handled before the execution continues. That much work takes some 10 ms, or 100 ms
// in a flow with slow searches, including the last transition.
const (
	defaultTransactionEvents = 200
	defaultTransactionWork   = 100_000
)

// How often commitWithRetry retries at once: after a conflict, and after an unknown outcome.
const (
	conflictsMax       = 8
	unknownOutcomesMax = 3
)

// commitWithRetry runs a transaction until it commits. After a conflict or an unknown outcome it
// loads the execution again and handles the same messages again (execution.md 1.3). Messages from
// outside that fail too often are rejected and go to the inbox; the others are retried. look says
// that there is something to do even without messages.
func (r *Engine) commitWithRetry(c *mailbox, items []*envelope, look bool) {
	var fatal *flow.Error
	engineCounted := false
	for conflicts, unknowns := 0, 0; ; {
		err := r.transact(c, items, fatal, &engineCounted)
		if c.activeSession != nil {
			c.activeSession.err = err
		}
		if err == nil {
			return
		}
		c.invalidate()
		for _, it := range items {
			it.mayBeCommitted = true
			it.failedCommits++
		}
		if isConflictOrUnknown(err) {
			if items = r.rejectContended(c, items, err); len(items) == 0 && !look {
				return
			}
		}
		var p *panicError
		switch {
		case errors.Is(err, store.ErrNotFound):
			failAll(items, errGone)
			if c.activeSession != nil {
				c.activeSession.err = nil
			}
			return
		case errors.As(err, &p) && fatal == nil:
			r.Log.Error("the interpreter broke; the execution fails", "partition", c.partition,
				"panic", p.value, "stack", string(p.stack))
			fatal = &flow.Error{Name: "FnF.InternalError",
				Cause: "the engine broke while it advanced the execution"}
			continue
		case errors.Is(err, store.ErrBodyTooLarge) && fatal == nil:
			fatal = &flow.Error{Name: flow.ErrDataLimit,
				Cause: "the open states of the execution need more data than the limit allows"}
			continue
		case errors.Is(err, store.ErrConflict) && conflicts < conflictsMax:
			conflicts++
			continue
		case !outcomeKnown(err) && unknowns < unknownOutcomesMax:
			unknowns++
			continue
		}
		var limited *share.LimitError
		// The store has logged the full disk, and a limit concerns one account: no line for each
		// request.
		if !errors.Is(err, store.ErrDiskFull) && !errors.As(err, &limited) {
			r.Log.Warn("commit failed", "partition", c.partition, "err", err)
		}
		r.requeue(c, items, err)
		return
	}
}

// isConflictOrUnknown reports whether other writers were faster, or may have been.
func isConflictOrUnknown(err error) bool {
	return errors.Is(err, store.ErrConflict) ||
		!outcomeKnown(err) && !errors.Is(err, store.ErrNotFound)
}

// outcomeKnown reports whether the error leaves no doubt: the commit was not applied, or the engine
// closes. After any other error the commit may have been applied.
func outcomeKnown(err error) bool {
	var p *panicError
	for _, e := range []error{
		store.ErrConflict, store.ErrDiskFull, store.ErrFormat, store.ErrMissing,
		store.ErrBodyTooLarge, context.Canceled,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var limited *share.LimitError
	return errors.As(err, &p) || errors.As(err, &limited)
}

// externalCommitsMax is how many commits of a message from outside may fail before it goes to the
// inbox. jitter bounds the random sleep after the first of them; the bound doubles.
const (
	externalCommitsMax = 3
	jitter             = 10 * time.Millisecond
)

// rejectContended rejects messages from outside that failed too often, and returns the other
// envelopes. If all of those come from outside, it first sleeps a random time, so that reporters in
// several processes do not collide again.
func (r *Engine) rejectContended(c *mailbox, items []*envelope, err error) []*envelope {
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
	if external && len(kept) > 0 && !r.Exclusive {
		sleepMax := jitter << min(failed-1, 3)
		r.sleep(time.Duration(r.Store.Random(c.partition) % uint64(sleepMax)))
	}
	return kept
}

// sleep waits for d, or until the engine closes.
func (r *Engine) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.ctx.Done():
	}
}

// contentionError says that a message has lost the race for the state row, or may have lost it,
// externalCommitsMax times.
type contentionError struct{ last error }

func (e *contentionError) Error() string {
	return "engine: others were faster each time: " + e.last.Error()
}

func (e *contentionError) Unwrap() error { return e.last }

// Messages that could not be committed are submitted again after requeueDelayMin. For a permanent
// error the delay doubles each time, up to requeueDelayMax.
const (
	requeueDelayMin = time.Second
	requeueDelayMax = time.Hour
)

// requeue submits again, after a delay, the messages that must not be lost: completed calls,
// returned calls and results of deliveries. It fails the other envelopes.
func (r *Engine) requeue(c *mailbox, items []*envelope, err error) {
	var kept []*envelope
	for _, it := range items {
		if it.start == nil && (it.message.Kind == interp.CallCompleted || it.message.Kind == interp.Delivered ||
			it.message.Kind == interp.CallReturned && !r.draining()) {
			kept = append(kept, it)
		} else {
			failAll([]*envelope{it}, err)
		}
	}
	session, delay := c.activeSession, nextRequeueDelay(kept, err)
	inTime := session == nil || r.nowMillis()+delay.Milliseconds() <= session.deadline
	if len(kept) == 0 || !inTime || !r.mayContinue(c) || !r.addGoroutine() {
		failAll(kept, err)
		return
	}
	if session != nil {
		session.add()
	}
	go func() {
		defer r.goroutines.Done()
		if session != nil {
			defer session.done()
		}
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.closed: // try once more, while there is time
		}
		for _, it := range kept {
			r.submit(c.partition, it)
		}
	}()
}

// nextRequeueDelay returns the delay of envelopes whose transaction failed with err, and counts it.
func nextRequeueDelay(items []*envelope, err error) time.Duration {
	if !isPermanent(err) {
		return requeueDelayMin
	}
	requeues := 0
	for _, it := range items {
		requeues = max(requeues, it.requeues)
		it.requeues++
	}
	return min(requeueDelayMin<<min(requeues, 20), requeueDelayMax)
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

func isDue(it *envelope) bool { return it.due }

// transact runs one transaction. With fatal the execution ends with that error, and its messages
// are rejected.
func (r *Engine) transact(
	c *mailbox, items []*envelope, fatal *flow.Error, engineCounted *bool,
) error {
	f := &transaction{r: r, c: c, fatal: fatal, engineCounted: engineCounted}
	var starts, wakes []*envelope
	readInbox := false
	for _, it := range items {
		switch {
		case it.start != nil:
			starts = append(starts, it)
		case it.due, it.capacityFreed:
			wakes = append(wakes, it)
		case it.inbox:
			readInbox = true
		default:
			f.envelopes = append(f.envelopes, it)
		}
	}
	if len(starts) > 0 {
		var err error
		if f.created, err = r.claim(c, starts[0]); err != nil {
			return err
		}
	} else if err := r.load(c); err != nil {
		return err
	}
	if readInbox && r.Exclusive {
		var err error
		if c.inbox, err = r.Store.Inbox(r.ctx, c.x); err != nil {
			return err
		}
	}
	f.drainInbox(&c.inbox)
	for _, it := range f.envelopes {
		c.state.ResolveAttempt(&it.message)
	}
	f.due = slices.ContainsFunc(wakes, isDue) && c.x.Wake > 0 && c.x.Wake <= r.nowMillis()
	wasReady, wasUnsent := !f.created && c.state.Ready(), c.state.Unsent()
	if err := f.run(); err != nil {
		f.unreserve(0)
		return err
	}
	f.unreserve(len(f.out.Calls))
	c.pickupCounted, c.more, c.callsWithheld = true, f.out.More, f.callsWithheld
	f.sendReplies(starts, wakes)
	f.applyEffects()
	r.deleteInboxEntries(c)
	if !r.isExecutor(c) {
		f.handOff(wasReady, wasUnsent)
	}
	return nil
}
