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

// defaultTransactionEvents is after how many events, and defaultTransactionWork after how much work, a fold commits what it has
// (execution.md 1.4): news that has come meanwhile, a stop above all, is folded before the
// execution goes on. So much work takes some 10 ms, and 100 ms where a flow seeks what is slow, the
// last transition included.
const (
	defaultTransactionEvents = 200
	defaultTransactionWork   = 100_000
)

// How often a round begins again before it waits: after a lost race, and after a commit whose outcome is not known.
const (
	conflictsMax       = 8
	unknownOutcomesMax = 3
)

// commitWithRetry folds items into the execution and commits. A commit that was lost and one whose outcome is not known are one
// case: load again, fold the same news again (execution.md 1.3).
// News from outside that has lost so often is given back, for the inbox; the rest goes on. look says that there is
// something to do without any news, too.
func (r *Engine) commitWithRetry(c *mailbox, items []*envelope, look bool) {
	var broken *flow.Error
	began := false
	for conflicts, unknowns := 0, 0; ; {
		err := r.transact(c, items, broken, &began)
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
		case errors.As(err, &p) && broken == nil:
			r.Log.Error("the interpreter broke; the execution fails", "partition", c.partition, "panic", p.value, "stack", string(p.stack))
			broken = &flow.Error{Name: "FnF.InternalError", Cause: "the engine broke while it advanced the execution"}
			continue
		case errors.Is(err, store.ErrBodyTooLarge) && broken == nil:
			broken = &flow.Error{Name: flow.ErrDataLimit, Cause: "the open states of the execution need more data than the limit allows"}
			continue
		case errors.Is(err, store.ErrConflict) && conflicts < conflictsMax:
			conflicts++
			continue
		case !outcomeKnown(err) && unknowns < unknownOutcomesMax:
			unknowns++
			continue
		}
		var refused *share.LimitError
		// The store has logged a full disk, and a refusal is for the account: no line for each request.
		if !errors.Is(err, store.ErrDiskFull) && !errors.As(err, &refused) {
			r.Log.Warn("commit failed", "partition", c.partition, "err", err)
		}
		r.requeue(c, items, err)
		return
	}
}

// isConflictOrUnknown tells whether others were faster, or may have been.
func isConflictOrUnknown(err error) bool {
	return errors.Is(err, store.ErrConflict) || !outcomeKnown(err) && !errors.Is(err, store.ErrNotFound)
}

// outcomeKnown tells whether trying again at once is of no use.
func outcomeKnown(err error) bool {
	var p *panicError
	for _, e := range []error{store.ErrConflict, store.ErrDiskFull, store.ErrFormat, store.ErrMissing, store.ErrBodyTooLarge, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	var refused *share.LimitError
	return errors.As(err, &p) || errors.As(err, &refused)
}

// externalCommitsMax is how often a commit of news from outside is tried before it goes to the inbox, and jitter the longest
// pause after the first one that was lost; it doubles.
const (
	externalCommitsMax = 3
	jitter             = 10 * time.Millisecond
)

// rejectContended refuses news from outside that has lost the race too often, and gives the rest. What is all from outside waits
// a moment before it tries again: so do the others that it has lost to.
func (r *Engine) rejectContended(c *mailbox, items []*envelope, err error) []*envelope {
	kept := items[:0:0]
	outside, lost := true, 0
	for _, it := range items {
		if it.isExternal() && it.failedCommits >= externalCommitsMax {
			failAll([]*envelope{it}, &contentionError{err})
			continue
		}
		kept = append(kept, it)
		outside, lost = outside && it.isExternal(), max(lost, it.failedCommits)
	}
	if outside && len(kept) > 0 && !r.Exclusive {
		most := jitter << min(lost-1, 3)
		r.sleep(time.Duration(r.Store.Random(c.partition) % uint64(most)))
	}
	return kept
}

// sleep waits, but not beyond the runner's life.
func (r *Engine) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.ctx.Done():
	}
}

// contentionError says that news has lost the race for the state row, or may have, as often as it may.
type contentionError struct{ last error }

func (e *contentionError) Error() string {
	return "engine: others were faster each time: " + e.last.Error()
}

func (e *contentionError) Unwrap() error { return e.last }

// News that could not be committed is brought again after requeueDelayMin. The pause doubles, up to requeueDelayMax, where time does
// not mend what is wrong.
const (
	requeueDelayMin = time.Second
	requeueDelayMax = time.Hour
)

// requeue puts back what is not to be thrown away, results of finished calls, calls that are given back and what became of
// an outgoing, and refuses the rest.
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
	on, delay := c.activeSession, nextRequeueDelay(kept, err)
	inTime := on == nil || r.nowMillis()+delay.Milliseconds() <= on.deadline
	if len(kept) == 0 || !inTime || !r.mayContinue(c) || !r.addGoroutine() {
		failAll(kept, err)
		return
	}
	if on != nil {
		on.add()
	}
	go func() {
		defer r.goroutines.Done()
		if on != nil {
			defer on.done()
		}
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.closed: // once more, while there is time
		}
		for _, it := range kept {
			r.submit(c.partition, it)
		}
	}()
}

// nextRequeueDelay returns how long items wait that a round has failed with, and counts it.
func nextRequeueDelay(items []*envelope, err error) time.Duration {
	if !isPermanent(err) {
		return requeueDelayMin
	}
	most := 0
	for _, it := range items {
		most = max(most, it.requeues)
		it.requeues++
	}
	return min(requeueDelayMin<<min(most, 20), requeueDelayMax)
}

// isPermanent reports whether an error stays until another program comes, or other rows.
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

// transact is one try of a round. With broken the execution ends, and the items are told so.
func (r *Engine) transact(c *mailbox, items []*envelope, broken *flow.Error, began *bool) error {
	f := &transaction{r: r, c: c, fatal: broken, runnerCounted: began}
	var starts, delays []*envelope
	letters := false
	for _, it := range items {
		switch {
		case it.start != nil:
			starts = append(starts, it)
		case it.due, it.capacityFreed:
			delays = append(delays, it)
		case it.inbox:
			letters = true
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
	if letters && r.Exclusive {
		var err error
		if c.inbox, err = r.Store.Inbox(r.ctx, c.x); err != nil {
			return err
		}
	}
	f.drainInbox(&c.inbox)
	for _, it := range f.envelopes {
		c.state.ResolveAttempt(&it.message)
	}
	f.due = slices.ContainsFunc(delays, isDue) && c.x.Wake > 0 && c.x.Wake <= r.nowMillis()
	wasReady, wasUnsent := !f.created && c.state.Ready(), c.state.Unsent()
	if err := f.run(); err != nil {
		f.unreserve(0)
		return err
	}
	f.unreserve(len(f.out.Calls))
	c.pickupCounted, c.more, c.callsWithheld = true, f.out.More, f.callsWithheld
	f.sendReplies(starts, delays)
	f.applyEffects()
	r.deleteInboxEntries(c)
	if !r.isExecutor(c) {
		f.handOff(wasReady, wasUnsent)
	}
	return nil
}
