package runner

import (
	"millrace/shared/interp"
	"millrace/shared/store"
)

// answer tells the items what became of them.
func (f *fold) answer(starts, delays []*item) {
	var shown *store.Execution
	tell := func(it *item, a answer) {
		if it.done == nil {
			return
		}
		if shown == nil {
			if shown = f.c.shown.Load(); shown == nil {
				shown = copyOf(f.c.x)
			}
			shown = borrowed(shown)
		}
		a.x, a.tried = shown, it.tried
		it.done(a)
	}
	for i, it := range starts {
		created := f.created && i == 0 || f.c.x.Claim == it.start.claim
		if created { // before the start is over: until then it is counted as one that may be
			f.r.running.began(f.c.x.Account, f.c.partition)
			f.c.runs = true
		}
		tell(it, answer{created: created})
	}
	for _, it := range delays {
		tell(it, answer{})
	}
	verdicts := f.out.Replies
	if f.broken != nil && len(verdicts) > 0 {
		verdicts = verdicts[1:]
	}
	for i, it := range f.items {
		tell(it, answer{verdict: verdicts[i]})
		if it.news.Kind == interp.CallCompleted || it.news.Kind == interp.CallReturned {
			delete(f.c.calls, it.news.Attempt)
		}
	}
}

// mayTakeMore reports whether a fold of the same state might take calls that this one could not:
// calls that were cut off have made room for others. An execution whose account has no room is
// looked at when it has.
func (f *fold) mayTakeMore() bool {
	r, c := f.r, f.c
	return f.out.Changed && !f.heldBack && c.state.Ready() && len(c.calls) < r.CallsMax && r.mayCall(c)
}

// noteLeases tells the calls in flight until when their leases last now: one that is still in line
// must not begin later. A process that owns its store has nobody to lose a lease to.
func (f *fold) noteLeases() {
	if f.r.Exclusive || f.r.line == nil || len(f.c.calls) == 0 {
		return
	}
	for _, l := range f.c.state.Leases() {
		if call := f.c.calls[l.Attempt]; call != nil && l.Owner == f.r.owner {
			call.until.Store(l.Until)
		}
	}
}

// follow does what follows from the commit: calls, relays, hints.
func (f *fold) follow() {
	r, c := f.r, f.c
	for attempt, call := range c.calls {
		if c.state.Final() || !c.state.AttemptOpen(attempt) {
			call.cancel()
			delete(c.calls, attempt)
		}
	}
	f.noteLeases()
	for i := range f.out.Calls {
		r.call(c, &f.out.Calls[i])
	}
	if len(c.state.Outbox) > 0 && !c.relayed && r.mayGoOn(c) {
		r.relay(c)
	}
	if c.state.Final() {
		// Not only after the commit that has ended it: the answer of that one may have been lost.
		if c.runs {
			c.runs = false
			r.watchers.ended(c.partition)
			r.logEnd(c.x)
			r.running.over(c.x.Account, c.partition)
		}
		return
	}
	if !r.advancing(c) {
		return
	}
	if f.out.More && r.mayGoOn(c) || f.mayTakeMore() {
		c.again()
		return
	}
	f.remind()
}
