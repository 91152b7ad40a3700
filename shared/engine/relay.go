package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// relayTimeMax is how long the delivery of an outbox entry is retried (execution.md 1.9).
const relayTimeMax = 24 * time.Hour

// relay delivers the next due outbox entry, and submits the result.
func (r *Engine) relay(c *mailbox) {
	now := r.nowMillis()
	due, next := firstDue(c.state.Outbox, now)
	if due == nil {
		if c.state.Final() { // before the end, scheduleWakeup sends it
			r.sendHint(c.partition, time.Duration(max(next-now, 0))*time.Millisecond)
		}
		return
	}
	out := *due
	if out.Output != nil && !out.Output.Loaded() {
		if err := r.Store.LoadValue(r.ctx, c.x, out.Output); err != nil {
			r.Log.Error("outbox value missing", "partition", c.partition, "err", err)
			return
		}
	}
	if !r.addGoroutine() {
		return
	}
	from := outboxSource{
		account: c.x.Account, key: c.state.Key(out.ID), attempt: startedBy(c.x.Origin),
		role: c.x.RoleArn, author: c.x.Author, callbackBy: c.x.CallbackBy,
	}
	stopped := c.x.Stopped
	c.relaying = true
	session := c.activeSession
	if session != nil {
		session.add()
	}
	held := r.mailboxes.acquire(c.partition)
	go func() {
		defer r.goroutines.Done()
		if session != nil {
			defer session.done()
		}
		n := interp.Message{Kind: interp.Delivered, OutboxID: out.ID}
		if err := r.deliver(r.backgroundContext(held.partition), from, &out); err != nil {
			r.Log.Info("outgoing not delivered", "partition", held.partition, "err", err)
			if r.nowMillis()-stopped < relayTimeMax.Milliseconds() || stopped == 0 {
				n.Next = r.nowMillis() + relayBackoff(out.Tries).Milliseconds()
			}
		}
		r.submit(held.partition, &envelope{message: n, done: func(reply) {
			// The same transaction then relays the next entry.
			held.relaying = false
			r.mailboxes.release(held, r.Exclusive)
		}})
	}()
}

// outboxSource is the execution that an outbox entry comes from.
type outboxSource struct {
	account string
	key     string // of the attempt that the entry belongs to
	attempt int64  // of another execution, whose task started this one; 0: none

	role, author, callbackBy string // as in store.Execution
}

// markOf returns the mark of the report of an execution's end. It is the same for each delivery.
func markOf(key string) uint64 {
	sum := sha256.Sum256([]byte("end#" + key))
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// firstDue returns the first outbox entry whose time has come. If there is none, it returns nil and
// the time of the next one.
func firstDue(outbox []interp.OutboxEntry, now int64) (due *interp.OutboxEntry, next int64) {
	for i := range outbox {
		o := &outbox[i]
		if o.Next <= now {
			return o, 0
		}
		if next == 0 || o.Next < next {
			next = o.Next
		}
	}
	return nil, next
}

// relayBackoff returns the pause before the next delivery: 1 s, doubled up to an hour.
func relayBackoff(tries int) time.Duration { return min(time.Second<<min(tries, 12), time.Hour) }

// deliver delivers an outbox entry. nil: it is delivered, or never can be.
func (r *Engine) deliver(ctx context.Context, from outboxSource, o *interp.OutboxEntry) error {
	var err error
	switch o.Kind {
	case interp.OutboxCallback:
		if err := r.mayReport(from, o); err != nil {
			return err
		}
		report := Report{Error: o.Error}
		if o.Error == nil {
			report.Output = o.Output.Text()
		}
		by := reportSource{mark: markOf(from.key), attempt: from.attempt}
		_, err = r.report(ctx, from.account, o.Token, report, by)
	case interp.OutboxStopChild:
		err = r.stopChild(ctx, from, o)
	}
	switch fault.CodeOf(err) {
	case "", fault.TaskAlreadyCompleted, fault.ExecutionAlreadyCompleted,
		fault.InvalidArgument, fault.FlowNotExists, fault.ExecutionNotExists:
		return nil
	}
	return err
}

// errNotStarted says that the child execution to stop does not exist, or not yet.
var errNotStarted = errors.New("engine: the execution to stop has not been started")

// notStartedMax is how often the engine looks again for a child execution that does not exist: the
// call that starts it may have been in flight when its attempt was closed.
const notStartedMax = 3

// stopChild stops the execution that an attempt started, and no other one of the same name.
func (r *Engine) stopChild(ctx context.Context, from outboxSource, o *interp.OutboxEntry) error {
	f, err := r.Store.GetFlow(ctx, from.account, o.Flow)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	partition := store.Partition(f.ID, o.Name)
	x, err := r.Load(ctx, partition)
	switch {
	case IsGone(err) && o.Tries < notStartedMax:
		return errNotStarted
	case IsGone(err):
		return nil
	case err != nil:
		return err
	case x.Origin != taskOrigin(from.key):
		return nil
	}
	if err := r.mayStop(from, o.Flow); err != nil {
		return err
	}
	_, err = r.Stop(ctx, partition, &flow.Error{
		Name: flow.ErrExecutionStopped, Cause: "the execution that waited for it has ended"})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}
