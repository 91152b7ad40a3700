package engine

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// mailbox holds the messages of one execution in this process. The goroutine that submits a message
// to an idle mailbox runs its loop until nothing is left to do.
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
	activeSession *workSession     // the session of this transaction
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
// running; otherwise it runs the loop. nil requests a recheck of the execution.
func (r *Engine) submit(partition string, it *envelope) {
	c := r.mailboxes.acquire(partition)
	c.mu.Lock()
	r.submitLocked(c, it)
}

// submitLocked is submit for a caller that has acquired the mailbox and holds its lock. It releases
// both.
func (r *Engine) submitLocked(c *mailbox, it *envelope) {
	if it != nil {
		c.envelopes = append(c.envelopes, it)
	} else {
		c.recheck = true
	}
	c.flush(it)
	if c.busy {
		c.mu.Unlock()
		r.mailboxes.release(c, r.Exclusive)
		return
	}
	c.startLoop()
	c.mu.Unlock()
	r.runLoop(c, false)
}

// submitAndWait submits an envelope and waits for its reply.
func (r *Engine) submitAndWait(ctx context.Context, partition string, it *envelope) (reply, error) {
	share.ReleaseTurn(ctx)
	got := make(chan reply, 1)
	it.done = func(a reply) {
		if it.release != nil {
			it.release()
		}
		got <- a
	}
	r.submit(partition, it)
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
// releases the mailbox. If an execution computes for longer than one transaction may, the loop
// continues in a goroutine of its own, because its caller waits for the reply to its own message
// only. own says that this is that goroutine.
func (r *Engine) runLoop(c *mailbox, own bool) {
	for {
		r.coalesce(c)
		c.mu.Lock()
		items, look := c.envelopes, c.recheck
		c.envelopes, c.recheck = nil, false
		c.activeSession = c.session
		if len(items) == 0 && !look {
			c.dropTrees()
			c.endLoop()
			c.mu.Unlock()
			r.mailboxes.release(c, r.Exclusive)
			return
		}
		c.mu.Unlock()
		if look {
			c.hintDue = 0 // this recheck may come from the hint on its way
		}
		if !r.Exclusive && (look || needsFreshState(items)) {
			c.invalidate()
		}
		r.pollInbox(c)
		r.commitWithRetry(c, items, look)
		if c.more && !own && c.activeSession == nil && r.addGoroutine() {
			go func() {
				defer r.goroutines.Done()
				r.runLoop(c, true)
			}()
			return
		}
	}
}

// dropTrees drops decoded trees, which are many times as large as the text they were decoded from,
// while nothing goes on: the cache may keep an idle execution for long. With calls in flight the
// trees stay, because the results come soon and need them, unless calls were withheld: then the
// execution may wait for long.
func (c *mailbox) dropTrees() {
	if c.state != nil && (len(c.calls) == 0 || c.callsWithheld) {
		c.state.DropTrees()
	}
}

// bytes returns about how much memory the loaded execution takes. The mailbox must have no holder.
func (c *mailbox) bytes() int {
	if c.x == nil {
		return 0
	}
	n := len(c.x.Input) + len(c.x.Tail) + len(c.x.Body)
	if v := c.x.InputRef; v != nil {
		n += len(v.Text())
	}
	if c.state != nil {
		n += c.state.Size()
	}
	return n
}

// needsFreshState reports whether any envelope has a caller outside the engine that waits for its
// reply, or comes from the inbox. A rejection writes nothing, so no commit would fail if the state
// in the mailbox were stale: if it did not contain the caller's attempt yet, or showed an ended
// execution as running. Inbox entries may need a newer state than the one in the mailbox, too.
func needsFreshState(items []*envelope) bool {
	for _, it := range items {
		if it.start != nil || it.inbox || it.isExternal() {
			return true
		}
	}
	return false
}

// isExternal reports whether the message comes from a caller outside the engine.
func (it *envelope) isExternal() bool {
	return it.message.Kind == interp.TaskReported || it.message.Kind == interp.StopRequested
}

// requestRecheck makes the loop run another transaction after this one.
func (c *mailbox) requestRecheck() {
	c.mu.Lock()
	c.recheck = true
	c.mu.Unlock()
}

// invalidate drops the loaded execution, because the stored one may be newer. It drops the machine
// too, because the name may now belong to a run of another definition.
func (c *mailbox) invalidate() {
	c.x, c.state, c.machine, c.inbox, c.more = nil, nil, nil, store.Inbox{}, false
	c.snapshot.Store(nil)
}
