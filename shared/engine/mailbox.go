package engine

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// mailbox holds the messages of one execution in this process. The goroutine that submits a message
// to an idle mailbox begins its loop.
type mailbox struct {
	partition string

	mu        sync.Mutex
	envelopes []*envelope
	recheck   bool
	busy      bool
	refs      int // holders that keep the mailbox in the table

	// The lock of its shard guards these:
	size int           // bytes when it was last idle
	idle *list.Element // in the list of the shard; nil while it has holders

	flushed        chan struct{} // closed to end the wait of coalesce; nil: it does not wait
	pendingResults int           // completed calls that coalesce waits for

	session        *workSession // of the RunUntilIdle that works on it; nil for none
	countedSession *workSession // that the loop is counted in

	// Only the loop uses the fields below.
	work          *workSession     // of this transaction; nil: it only accepts messages
	pickupCounted bool             // this process has counted the pickup, or need not
	more          bool             // the budget ended the last step
	callsWithheld bool             // the last step got fewer calls than were ready
	x             *store.Execution // nil: not loaded
	state         *interp.State
	machine       *flow.Machine
	calls         map[int64]*inFlightCall // in flight in this process, by attempt
	hintDue       int64                   // due time of the delayed hint on its way
	inbox         store.Inbox             // read with x, its entries not yet handled
	commitsSince  int64                   // ms since 1970: when counting commits began
	commits       int
	lastCommit    time.Time // time of the last commit; zero until a session commits
	relaying      bool      // the outbox is being relayed
	wasRunning    bool      // when this process last saw it, it had not ended

	snapshot atomic.Pointer[store.Execution] // as last committed; nil: not known
}

// envelope is one message on its way to an execution, or another reason to run a transaction.
type envelope struct {
	message        interp.Message
	start          *pendingStart // instead of a message: claim the name
	due            bool          // instead of a message: the sweeper found the row due
	inbox          bool          // instead of a message: read the inbox
	capacityFreed  bool          // instead of a message: the account may call again
	remove         bool          // instead of a message: delete the execution
	mayBeCommitted bool          // a commit of it failed, and may have been applied
	failedCommits  int           // how many commits of it failed
	requeues       int           // how often a permanent error put it off
	done           func(reply)   // called once, by the loop; must not block
	release        func()        // called before done, also if no caller waits; nil: nothing
}

// reply is the result of an envelope.
type reply struct {
	stepReply      interp.Reply
	created        bool             // of a start: this start claimed the name
	mayBeCommitted bool             // an earlier commit failed, and may have been applied
	x              *store.Execution // as committed; a copy
	err            error            // the store failed, or there is no such execution
}

// submit puts an envelope into the mailbox of an execution. It returns at once if the loop is
// running; otherwise it begins the loop. nil requests a recheck of the execution.
func (e *Engine) submit(partition string, it *envelope) {
	m := e.mailboxes.acquire(partition)
	m.mu.Lock()
	e.submitLocked(m, it)
}

// submitLocked is submit for a caller that has acquired the mailbox and holds its lock. It releases
// both.
func (e *Engine) submitLocked(m *mailbox, it *envelope) {
	if it != nil {
		m.envelopes = append(m.envelopes, it)
	} else {
		m.recheck = true
	}
	m.flush(it)
	if m.busy {
		m.mu.Unlock()
		e.mailboxes.release(m)
		return
	}
	m.startLoop()
	m.mu.Unlock()
	e.runLoop(m, false)
}

// submitAndWait submits an envelope and waits for its reply.
func (e *Engine) submitAndWait(ctx context.Context, partition string, it *envelope) (reply, error) {
	share.ReleaseTurn(ctx)
	got := make(chan reply, 1)
	it.done = func(a reply) {
		if it.release != nil {
			it.release()
		}
		got <- a
	}
	e.submit(partition, it)
	select {
	case a := <-got:
		return a, a.err
	default: // return a reply that is already there, even if ctx is done
	}
	select {
	case a := <-got:
		return a, a.err
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

// runLoop is the loop of the mailbox: it runs transactions until nothing is left to do, and then
// releases the mailbox. own says that the goroutine is the engine's.
func (e *Engine) runLoop(m *mailbox, own bool) {
	for first := true; ; first = false {
		e.coalesce(m)
		m.mu.Lock()
		items, look := m.envelopes, m.recheck
		if !first && !own && (len(items) > 0 || look) && e.continueInOwn(m) {
			m.mu.Unlock()
			return
		}
		m.envelopes, m.recheck = nil, false
		if m.work = m.session; m.work == nil {
			m.work = e.endless
		}
		if len(items) == 0 && !look {
			m.dropTrees()
			m.endLoop()
			m.mu.Unlock()
			e.mailboxes.release(m)
			return
		}
		m.mu.Unlock()
		if look {
			m.hintDue = 0 // this recheck may come from the hint on its way
		}
		if !e.ownsStore() && (look || needsFreshState(items)) {
			m.invalidate()
		}
		e.pollInbox(m)
		items, removals := splitRemovals(items)
		if len(items) > 0 || look {
			e.commitWithRetry(m, items, look)
		}
		for _, it := range removals {
			e.remove(m, it)
		}
	}
}

// splitRemovals takes the envelopes that delete the execution out of the others.
func splitRemovals(items []*envelope) (others, removals []*envelope) {
	isRemoval := func(it *envelope) bool { return it.remove }
	if !slices.ContainsFunc(items, isRemoval) {
		return items, nil
	}
	for _, it := range items {
		if it.remove {
			removals = append(removals, it)
		} else {
			others = append(others, it)
		}
	}
	return others, removals
}

// continueInOwn continues the loop of an executor in a goroutine of the engine: the caller that has
// run its first transaction waits for the reply to its own message only. An acceptor's loop stays
// with its caller. The process may be frozen once the caller has its reply, and the hint must be
// sent by then.
func (e *Engine) continueInOwn(m *mailbox) bool {
	if m.work == nil || m.work != e.endless || !e.addGoroutine() {
		return false
	}
	go func() {
		defer e.goroutines.Done()
		e.runLoop(m, true)
	}()
	return true
}

// dropTrees drops decoded trees, which are many times as large as the text they were decoded from,
// while nothing goes on: the cache may keep an idle execution for long. With calls in flight the
// trees stay, because the results come soon and need them, unless calls were withheld: then the
// execution may wait for long.
func (m *mailbox) dropTrees() {
	if m.state != nil && (len(m.calls) == 0 || m.callsWithheld) {
		m.state.DropTrees()
	}
}

// bytes returns about how much memory the loaded execution takes. The mailbox must have no holder.
func (m *mailbox) bytes() int {
	if m.x == nil {
		return 0
	}
	n := len(m.x.Input) + len(m.x.Tail) + len(m.x.Body)
	if v := m.x.InputRef; v != nil {
		n += len(v.Text())
	}
	if m.state != nil {
		n += m.state.Size()
	}
	return n
}

// needsFreshState reports whether any envelope has a caller outside the engine that waits for its
// reply, or comes from the inbox. A rejection writes nothing, so no commit would fail if the state
// in the mailbox were stale: if it did not contain the caller's attempt yet, or showed an ended
// execution as running. Inbox entries may need a newer state than the one in the mailbox, too.
func needsFreshState(items []*envelope) bool {
	for _, it := range items {
		if it.start != nil || it.inbox || it.remove || it.isExternal() {
			return true
		}
	}
	return false
}

// isExternal reports whether the message comes from a caller outside the engine.
func (it *envelope) isExternal() bool {
	switch it.message.Kind {
	case interp.TaskReported, interp.StopRequested, interp.MapRunUpdated,
		interp.RedriveRequested:
		return true
	}
	return false
}

// requestRecheck makes the loop run another transaction after this one.
func (m *mailbox) requestRecheck() {
	m.mu.Lock()
	m.recheck = true
	m.mu.Unlock()
}

// invalidate drops the loaded execution, because the stored one may be newer. It drops the machine
// too, because the name may now belong to a run of another definition.
func (m *mailbox) invalidate() {
	m.x, m.state, m.machine, m.inbox, m.more = nil, nil, nil, store.Inbox{}, false
	m.snapshot.Store(nil)
}
