package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// relayTimeMax is how long the delivery of an outbox entry is retried
// (docs/protocol.md#outbox-and-relay).
const relayTimeMax = 24 * time.Hour

// relay delivers the next due outbox entry, and submits the result.
func (e *Engine) relay(m *mailbox) {
	now := e.nowMillis()
	due, next := firstDue(m.state.Outbox, now)
	if due == nil {
		if m.state.Final() { // before the end, scheduleWakeup sends it
			e.sendHint(m.partition, time.Duration(max(next-now, 0))*time.Millisecond)
		}
		return
	}
	out := *due
	if out.Output != nil && !out.Output.Loaded() {
		if err := e.Store.LoadValue(e.ctx, m.x, out.Output); err != nil {
			e.Log.Error("outbox value missing", "partition", m.partition, "err", err)
			return
		}
	}
	if !e.addGoroutine() {
		return
	}
	from := outboxSource{
		account: m.x.Account, key: m.state.Key(out.ID), attempt: startedBy(m.x.Origin),
		timedOut: m.state.Status == flow.TimedOut,
		role:     m.x.RoleArn, author: m.x.Author, callbackBy: m.x.CallbackBy,
	}
	stopped := m.x.Stopped
	m.relaying = true
	work := m.work
	work.add()
	held := e.mailboxes.acquire(m.partition)
	go func() {
		defer e.goroutines.Done()
		defer work.done()
		n := interp.Message{Kind: interp.Delivered, OutboxID: out.ID}
		if err := e.deliver(e.backgroundContext(held.partition), from, &out); err != nil {
			e.Log.Info("outbox entry not delivered", "partition", held.partition, "err", err)
			if e.nowMillis()-stopped < relayTimeMax.Milliseconds() || stopped == 0 {
				n.Next = e.nowMillis() + relayBackoff.After(out.Tries).Milliseconds()
			}
		}
		e.submit(held.partition, &envelope{message: n, done: func(reply) {
			// The same transaction then relays the next entry.
			held.relaying = false
			e.mailboxes.release(held)
		}})
	}()
}

// outboxSource is the execution that an outbox entry comes from.
type outboxSource struct {
	account string
	key     string // of the attempt that the entry belongs to
	attempt int64  // of another execution, whose task started this one; 0: none
	// timedOut: it ended by its own time limit.
	timedOut bool

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

// relayBackoff is the pause before the next delivery.
var relayBackoff = backoff.Policy{Min: time.Second, Max: time.Hour}

// deliver delivers an outbox entry. nil: it is delivered, or never can be.
func (e *Engine) deliver(ctx context.Context, from outboxSource, o *interp.OutboxEntry) error {
	var err error
	switch o.Kind {
	case interp.OutboxCallback:
		if err := e.mayReport(from, o); err != nil {
			return err
		}
		report := Report{Error: o.Error}
		if o.Error == nil {
			report.Output = o.Output.Text()
		}
		by := reportSource{mark: markOf(from.key), attempt: from.attempt, timedOut: from.timedOut}
		_, err = e.report(ctx, from.account, o.Token, report, by)
	case interp.OutboxStopChild:
		err = e.stopChild(ctx, from, o)
	}
	if IsUndeliverable(err) {
		return nil
	}
	return err
}

// IsUndeliverable reports whether a report or a stop with this error would fail again: what it is
// meant for has ended, or does not exist.
func IsUndeliverable(err error) bool {
	for _, e := range []error{
		ErrTaskEnded, ErrExecutionEnded, ErrToken, ErrTaskNotWaiting, ErrNoFlow, store.ErrNotFound,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// errNotStarted says that the child execution to stop does not exist, or not yet.
var errNotStarted = errors.New("engine: the execution to stop has not been started")

// notStartedMax is how often the engine looks again for a child execution that does not exist: the
// call that starts it may have been in flight when its attempt was closed.
const notStartedMax = 3

// stopChild stops the execution that an attempt started, and no other one of the same name.
func (e *Engine) stopChild(ctx context.Context, from outboxSource, o *interp.OutboxEntry) error {
	f, err := e.Store.GetFlow(ctx, from.account, o.Flow)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	partition := store.Partition(f.ID, o.Name)
	x, err := e.Load(ctx, partition)
	switch {
	case errors.Is(err, store.ErrNotFound) && o.Tries < notStartedMax:
		return errNotStarted
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case x.Origin != TaskOrigin(from.key):
		return nil
	case x.Redriven > o.Since:
		return nil // somebody has redriven it since, and no task waits for it any more
	}
	if x.MapNode == 0 { // the child of a MapRun belongs to its execution
		if err := e.mayStop(from, o.Flow); err != nil {
			return err
		}
	}
	_, err = e.stop(ctx, partition, x.Redrive+1, &flow.Error{
		Name: flow.ErrExecutionStopped, Cause: "the execution that waited for it has ended"})
	return err
}
