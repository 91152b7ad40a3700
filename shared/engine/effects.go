package engine

import (
	"millrace/shared/interp"
	"millrace/shared/store"
)

// sendReplies sends each envelope its reply.
func (f *transaction) sendReplies(starts, wakes []*envelope) {
	var snapshot *store.Execution
	send := func(it *envelope, a reply) {
		if it.done == nil {
			return
		}
		if snapshot == nil {
			if snapshot = f.c.snapshot.Load(); snapshot == nil {
				snapshot = clone(f.c.x)
			}
			snapshot = view(snapshot)
		}
		a.x, a.mayBeCommitted = snapshot, it.mayBeCommitted
		it.done(a)
	}
	for i, it := range starts {
		created := f.created && i == 0 || f.c.x.ClaimToken == it.start.claim
		if created { // while the start is still counted as starting
			f.r.quota.countStarted(f.c.x.Account, f.c.partition)
			f.c.wasRunning = true
		}
		send(it, reply{created: created})
	}
	for _, it := range wakes {
		send(it, reply{})
	}
	replies := f.out.Replies
	if f.fatal != nil && len(replies) > 0 {
		replies = replies[1:]
	}
	for i, it := range f.envelopes {
		send(it, reply{stepReply: replies[i]})
		if it.message.Kind == interp.CallCompleted || it.message.Kind == interp.CallReturned {
			delete(f.c.calls, it.message.Attempt)
		}
	}
}

// mayTakeMore reports whether another transaction could lease calls that this one could not: calls
// that were canceled have made room for others. If the account has no capacity, wakeWithheld
// submits the execution again once it has.
func (f *transaction) mayTakeMore() bool {
	r, c := f.r, f.c
	return f.out.Changed && !f.callsWithheld && c.state.Ready() &&
		len(c.calls) < r.CallsMax && r.mayCall(c)
}

// updateLeases sets the end of the leases of the calls in flight, because a call that is still in
// line must not begin later. An exclusive engine cannot lose a lease, so it skips this.
func (f *transaction) updateLeases() {
	if f.r.Exclusive || f.r.line == nil || len(f.c.calls) == 0 {
		return
	}
	for _, l := range f.c.state.Leases() {
		if call := f.c.calls[l.Attempt]; call != nil && l.Owner == f.r.owner {
			call.until.Store(l.Until)
		}
	}
}

// applyEffects applies what follows the commit: calls, outbox entries, hints.
func (f *transaction) applyEffects() {
	r, c := f.r, f.c
	for attempt, call := range c.calls {
		if c.state.Final() || !c.state.AttemptOpen(attempt) {
			call.cancel()
			delete(c.calls, attempt)
		}
	}
	f.updateLeases()
	for i := range f.out.Calls {
		r.call(c, &f.out.Calls[i])
	}
	if len(c.state.Outbox) > 0 && !c.relaying && r.mayContinue(c) {
		r.relay(c)
	}
	if c.state.Final() {
		// Not only after the commit that ended it: the response to that commit may be lost.
		if c.wasRunning {
			c.wasRunning = false
			r.watchers.ended(c.partition)
			r.logEnd(c.x)
			r.quota.release(c.x.Account, c.partition)
		}
		return
	}
	if !r.isExecutor(c) {
		return
	}
	if f.out.More && r.mayContinue(c) || f.mayTakeMore() {
		c.requestRecheck()
		return
	}
	f.scheduleWakeup()
}
