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

// mailbox is one execution in this process. Whoever brings news to an idle cell becomes its committer until nothing
// is left to fold.
type mailbox struct {
	partition string

	mu        sync.Mutex
	envelopes []*envelope
	recheck   bool
	busy      bool
	refs      int // holders that keep the cell in the table

	// Its shard's lock guards these:
	size int           // bytes when it was idle last
	idle *list.Element // in the shard's list; nil while somebody holds it

	flushed        chan struct{} // closed to end the committer's waiting for answers; nil: it does not
	pendingResults int           // answers that it waits for

	session        *workSession // of the Work that is at it; nil for none
	countedSession *workSession // that the committer counts for

	// Below: only the committer.
	activeSession *workSession     // the shift of this round
	pickupCounted bool             // this process has counted that it takes the execution up, or need not
	more          bool             // the last fold was cut off by its budget
	callsWithheld bool             // the last fold was given fewer calls than were ready
	x             *store.Execution // nil: not loaded
	state         *interp.State
	machine       *flow.Machine
	calls         map[int64]*inFlightCall // in flight in this process, by attempt
	hintDue       int64                   // due time of the delayed hint that is under way
	inbox         store.Inbox             // read with x and not yet folded
	commitsSince  int64                   // ms since 1970: commits are counted from here on
	commits       int
	lastCommit    time.Time // the last one
	relaying      bool      // the outbox is being relayed
	wasRunning    bool      // it had not ended when this process saw it last

	snapshot atomic.Pointer[store.Execution] // what the last commit wrote; nil when not known
}

// envelope is one piece of news on its way into an execution.
type envelope struct {
	message        interp.Message
	start          *pendingStart // instead of news: claim the name
	due            bool          // instead of news: the sweeper has found the row due
	inbox          bool          // instead of news: there may be some in the inbox
	capacityFreed  bool          // instead of news: the account may take calls again
	mayBeCommitted bool          // a commit of it has failed: it may have been applied all the same
	failedCommits  int           // how many have
	requeues       int           // how often it was put off for an error that time does not mend
	done           func(reply)   // called once, by the committer; must not block
	release        func()        // called before done, whether or not anybody waits for it still; nil: nothing is
}

// reply is what became of an item.
type reply struct {
	stepReply      interp.Reply
	created        bool             // of a start: this start has claimed the name
	mayBeCommitted bool             // an earlier commit of it failed, and may have been applied
	x              *store.Execution // as committed; a copy
	err            error            // the store could not be reached, or there is no such execution
}

// submit brings an item to an execution and returns at once or after having been its committer.
func (r *Engine) submit(partition string, it *envelope) {
	c := r.mailboxes.acquire(partition)
	c.mu.Lock()
	r.submitLocked(c, it)
}

// submitLocked is submit for a caller that has acquired the cell, and holds its lock; it lets go of both.
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

// submitAndWait submits an item and waits for its result.
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
	default: // what is known is told, also when the caller's time is over
	}
	select {
	case a := <-got:
		return a, a.err
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

// runLoop is the committer: it folds until nothing is left, and then releases the cell. When an
// execution computes for longer than a fold may, drive goes on in a goroutine of its own, because
// its caller waits for the result of its own news alone. own says that this is that goroutine.
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
			c.hintDue = 0 // the hint that was under way may be this one
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

// dropTrees drops what need not be in memory while nothing goes on: an idle execution is kept as long as there is room, and trees
// are many times as large as what was sent. Calls in flight will be answered soon, and with the trees at hand. Those of
// an execution that was held back may wait for long.
func (c *mailbox) dropTrees() {
	if c.state != nil && (len(c.calls) == 0 || c.callsWithheld) {
		c.state.DropTrees()
	}
}

// bytes is about how much memory the execution takes that is known; nobody holds the cell.
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

// needsFreshState tells whether somebody outside waits for what becomes of an item. What he is told must be so: a refusal is no
// commit, so nothing else would find out that the state at hand is an old one, in which his attempt does not stand yet or
// the execution still runs. And what is in the inbox is for a state that may be newer than the one at hand.
func needsFreshState(items []*envelope) bool {
	for _, it := range items {
		if it.start != nil || it.inbox || it.isExternal() {
			return true
		}
	}
	return false
}

// isExternal tells whether an item is news that somebody outside brings.
func (it *envelope) isExternal() bool {
	return it.message.Kind == interp.TaskReported || it.message.Kind == interp.StopRequested
}

// requestRecheck makes the committer come back to the cell after this round.
func (c *mailbox) requestRecheck() {
	c.mu.Lock()
	c.recheck = true
	c.mu.Unlock()
}

// invalidate drops what the cell knows: the store knows better. The machine goes too, for the name may by now belong to a
// run of another definition.
func (c *mailbox) invalidate() {
	c.x, c.state, c.machine, c.inbox, c.more = nil, nil, nil, store.Inbox{}, false
	c.snapshot.Store(nil)
}
