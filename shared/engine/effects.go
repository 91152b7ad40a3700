package engine

import (
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// sendReplies sends each envelope its reply.
func (t *transaction) sendReplies() {
	var snapshot *store.Execution
	send := func(it *envelope, a reply) {
		if it.done == nil {
			return
		}
		if snapshot == nil {
			if snapshot = t.mailbox.snapshot.Load(); snapshot == nil {
				snapshot = clone(t.mailbox.x)
			}
			snapshot = view(snapshot)
		}
		a.x, a.mayBeCommitted = snapshot, it.mayBeCommitted
		it.done(a)
	}
	for i, it := range t.starts {
		created := t.created && i == 0 || t.mailbox.x.ClaimToken == it.start.claim
		if created { // while the start is still counted as starting
			t.engine.quota.CountStarted(t.mailbox.x.Account, t.mailbox.partition)
			t.mailbox.wasRunning = true
		}
		send(it, reply{created: created})
	}
	for _, it := range t.wakes {
		send(it, reply{})
	}
	replies := t.out.Replies
	if t.fatal != nil && len(replies) > 0 && !t.redrives() {
		replies = replies[1:]
	}
	for i, it := range t.envelopes {
		if it.message.Kind == interp.RedriveRequested && replies[i].Event > 0 {
			// This redrive began the life. It counts while it is still counted as starting.
			t.engine.quota.CountStarted(t.mailbox.x.Account, t.mailbox.partition)
			t.mailbox.wasRunning = true
		}
		send(it, reply{stepReply: replies[i]})
		if it.message.Kind == interp.CallCompleted || it.message.Kind == interp.CallReturned {
			delete(t.mailbox.calls, it.message.Attempt)
		}
	}
}

// mayTakeMore reports whether another transaction could lease calls that this one could not: calls
// that were canceled have made room for others. If the account has no capacity, wakeWithheld
// submits the execution again once it has.
func (t *transaction) mayTakeMore() bool {
	e, m := t.engine, t.mailbox
	return t.out.Changed && !t.callsWithheld && m.state.Ready() &&
		len(m.calls) < e.CallsMax && e.mayCall(m)
}

// updateLeases sets the end of the leases of the calls in flight, because a call that is still in
// line must not begin later. An engine that owns its store cannot lose a lease, so it skips this.
func (t *transaction) updateLeases() {
	if !t.engine.leases.canExpire() || t.engine.line == nil || len(t.mailbox.calls) == 0 {
		return
	}
	for _, l := range t.mailbox.state.Leases() {
		if call := t.mailbox.calls[l.Attempt]; call != nil && l.Owner == t.engine.owner {
			call.lease.Extend(l.Until)
		}
	}
}

// need is what an execution needs of a process: calls of ready attempts, and
// deliveries of outbox entries.
type need struct{ ready, unsent bool }

// grew reports whether anything is needed that was not needed before.
func (n need) grew(before need) bool {
	return n.ready && !before.ready || n.unsent && !before.unsent
}

// applyEffects applies what follows from the step, after its commit.
func (t *transaction) applyEffects() {
	e, m := t.engine, t.mailbox
	e.changes.happened(m.partition)
	t.countActivity()
	t.cancelClosed()
	t.updateLeases()
	for i := range t.out.Calls {
		e.call(m, &t.out.Calls[i])
	}
	if len(m.state.Outbox) > 0 && !m.relaying && e.mayContinue(m) {
		e.relay(m)
	}
	switch {
	case m.state.Final():
		t.announceEnd()
	case m.work == nil:
	case t.out.More && e.mayContinue(m) || t.mayTakeMore():
		m.requestRecheck()
	default:
		t.scheduleWakeup()
	}
	e.deleteInboxEntries(m)
	if m.work == nil {
		t.handOff()
	}
}

// countActivity counts a start, and how late a row was looked at.
func (t *transaction) countActivity() {
	if !t.created && t.late == 0 {
		return
	}
	e := t.engine
	e.activities.count(t.mailbox.x.Account, e.nowMillis(), func(a *Activity) {
		if t.created {
			a.Starts++
		}
		a.Late = max(a.Late, t.late)
	})
}

// cancelClosed cancels the calls in flight whose attempts are closed.
func (t *transaction) cancelClosed() {
	m := t.mailbox
	for attempt, call := range m.calls {
		if m.state.Final() || !m.state.AttemptOpen(attempt) {
			call.cancel()
			delete(m.calls, attempt)
		}
	}
}

// announceEnd announces the end of an execution in this process, once. It does not depend on the
// commit that ended the execution, because the response to that commit may be lost.
func (t *transaction) announceEnd() {
	e, m := t.engine, t.mailbox
	if !m.wasRunning {
		return
	}
	m.wasRunning = false
	e.ends.happened(m.partition)
	e.activities.count(m.x.Account, e.nowMillis(), func(a *Activity) {
		a.Ends++
		if m.x.Status != flow.Succeeded {
			a.Failed++
		}
	})
	e.logEnd(m.x)
	e.quota.Release(m.x.Account, m.partition)
}
