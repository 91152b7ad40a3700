package engine

import (
	"millrace/shared/interp"
	"millrace/shared/store"
)

// sendReplies tells the items what became of them.
func (f *transaction) sendReplies(starts, delays []*envelope) {
	var shown *store.Execution
	tell := func(it *envelope, a reply) {
		if it.done == nil {
			return
		}
		if shown == nil {
			if shown = f.c.snapshot.Load(); shown == nil {
				shown = clone(f.c.x)
			}
			shown = view(shown)
		}
		a.x, a.mayBeCommitted = shown, it.mayBeCommitted
		it.done(a)
	}
	for i, it := range starts {
		created := f.created && i == 0 || f.c.x.ClaimToken == it.start.claim
		if created { // before the start is over: until then it is counted as one that may be
			f.r.quota.countStarted(f.c.x.Account, f.c.partition)
			f.c.wasRunning = true
		}
		tell(it, reply{created: created})
	}
	for _, it := range delays {
		tell(it, reply{})
	}
	verdicts := f.out.Replies
	if f.fatal != nil && len(verdicts) > 0 {
		verdicts = verdicts[1:]
	}
	for i, it := range f.envelopes {
		tell(it, reply{stepReply: verdicts[i]})
		if it.message.Kind == interp.CallCompleted || it.message.Kind == interp.CallReturned {
			delete(f.c.calls, it.message.Attempt)
		}
	}
}

// mayTakeMore reports whether a fold of the same state might take calls that this one could not:
// calls that were cut off have made room for others. An execution whose account has no room is
// looked at when it has.
func (f *transaction) mayTakeMore() bool {
	r, c := f.r, f.c
	return f.out.Changed && !f.callsWithheld && c.state.Ready() && len(c.calls) < r.CallsMax && r.mayCall(c)
}

// updateLeases tells the calls in flight until when their leases last now: one that is still in line
// must not begin later. A process that owns its store has nobody to lose a lease to.
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

// applyEffects does what follows from the commit: calls, relays, hints.
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
		// Not only after the commit that has ended it: the answer of that one may have been lost.
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
