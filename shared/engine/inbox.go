package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// The inbox is for messages from outside that lose the race for the state row again and again
// (docs/protocol.md#inbox). It decides nothing: an engine handles inbox entries like other
// messages, and only the commit of that transaction accepts them.

// How long a message waits in an inbox: until the sweeper checks that it has been handled, and
// until the engine that enqueued it retracts it.
const (
	inboxWakeDelay = 30 * time.Second
	inboxWait      = 5 * time.Second
)

// Intervals between two looks at the execution while a message waits in its inbox.
const (
	inboxPollInterval    = 25 * time.Millisecond
	inboxPollIntervalMax = time.Second
)

// enqueueInboxEntry puts a message into the inbox of an execution and returns its reply. ErrBusy:
// it was not handled in time, and has been retracted.
func (e *Engine) enqueueInboxEntry(
	ctx context.Context, partition string, n interp.Message,
) (reply, error) {
	a, open, err := e.evaluate(ctx, partition, 0, &n)
	if err != nil || !open {
		return a, err
	}
	l := &store.InboxEntry{
		Partition: partition, Run: a.x.Run, Token: n.TokenID, Attempt: n.Attempt,
		Mark: n.Mark, Output: n.Output, Error: n.Error,
		Wake: e.nowMillis() + inboxWakeDelay.Milliseconds(), Expires: a.x.Expires,
	}
	if n.Kind == interp.StopRequested {
		l.Redrive = n.Life - 1
	}
	err = e.Store.EnqueueInboxEntry(ctx, l)
	switch outcomeOf(err) {
	case committed, conflict, unknown, gone:
	default:
		return reply{}, err
	}
	// An entry of another caller is not yet accepted, and an entry whose write has an unknown
	// outcome is treated as written: only the state row decides.
	if err := e.notifyInbox(ctx, partition, e.ownsStore()); err != nil {
		e.Log.Warn("hint not sent; the sweeper will", "partition", partition, "err", err)
	}
	return e.awaitInboxEntry(ctx, l, n)
}

// notifyInbox makes an engine read the inbox: this one, or one that gets a hint.
func (e *Engine) notifyInbox(ctx context.Context, partition string, here bool) error {
	if !here {
		return e.Queue.Send(ctx, newHint(partition, 0))
	}
	if !e.closing() {
		e.submit(partition, &envelope{inbox: true})
	}
	return nil
}

// awaitInboxEntry reads the state row until it shows the reply to the entry. When the time is over
// it retracts the entry and reads the row once more, because another process may just have handled
// the entry.
func (e *Engine) awaitInboxEntry(
	ctx context.Context, l *store.InboxEntry, n interp.Message,
) (reply, error) {
	timeout := time.NewTimer(inboxWait)
	defer timeout.Stop()
	poll := time.NewTimer(0)
	defer poll.Stop()
	retract, interval := false, inboxPollInterval
	for {
		select {
		case <-poll.C:
			retract = e.closing() // if both are so, it does not matter which is seen first
		case <-timeout.C:
			retract = true
		case <-e.closed:
			retract = true
		case <-ctx.Done():
			return reply{}, ctx.Err()
		}
		if retract {
			e.retractInboxEntry(ctx, l)
		}
		a, open, err := e.evaluate(ctx, l.Partition, l.Run, &n)
		switch {
		case err == nil && !open:
			if a.stepReply.Rejection != interp.Accepted && !retract {
				e.retractInboxEntry(ctx, l)
			}
			return a, nil
		case errors.Is(err, ErrNoExecution):
			return reply{}, err
		case retract && err != nil:
			return reply{}, err
		case retract:
			return reply{}, ErrBusy
		}
		poll.Reset(interval)
		interval = min(2*interval, inboxPollIntervalMax)
	}
}

// retractInboxEntry deletes an entry, unless another caller wrote it. If that fails, the process
// that finds the entry handles or deletes it.
func (e *Engine) retractInboxEntry(ctx context.Context, l *store.InboxEntry) {
	if err := e.Store.RetractInboxEntry(ctx, l); err != nil && !errors.Is(err, store.ErrConflict) {
		e.Log.Warn("inbox entry not retracted", "partition", l.Partition, "err", err)
	}
}

// evaluate reads the state row to find the reply to a message, or that its attempt is still open.
// ErrNoExecution: the name belongs to another run than the given one by now (0: any run will do). A
// report that names no attempt is directed to the attempt that is open.
func (e *Engine) evaluate(
	ctx context.Context, partition string, run uint64, n *interp.Message,
) (a reply, open bool, err error) {
	x, err := e.Store.Load(ctx, partition)
	if errors.Is(err, store.ErrNotFound) || err == nil && run != 0 && x.Run != run {
		return reply{}, false, ErrNoExecution
	} else if err != nil {
		return reply{}, false, err
	}
	s, err := e.decodeState(x)
	if err != nil {
		return reply{}, false, err
	}
	s.Bind(n)
	a = reply{x: x, stepReply: interp.Reply{Rejection: s.Check(n)}}
	switch a.stepReply.Rejection {
	case interp.Accepted:
		return a, true, nil
	case interp.AlreadyEnded, interp.Superseded:
		if id, ok := e.findMark(ctx, x, *n); ok {
			a.stepReply = interp.Reply{Event: id}
		}
	}
	return a, false, nil
}

// inboxMessage returns the message of an inbox entry.
func inboxMessage(l *store.InboxEntry) interp.Message {
	n := interp.Message{Kind: interp.TaskReported, TokenID: l.Token, Attempt: l.Attempt,
		Output: l.Output, Error: l.Error, Mark: l.Mark}
	if l.Token == 0 {
		n.Kind, n.Life = interp.StopRequested, l.Redrive+1
	}
	return n
}

// drainInbox puts the messages of the inbox entries into the transaction, before newer messages.
func (t *transaction) drainInbox(in *store.Inbox) {
	if len(in.Entries) == 0 {
		return
	}
	items := make([]*envelope, 0, len(in.Entries)+len(t.envelopes))
	for _, l := range in.Entries {
		items = append(items, &envelope{message: inboxMessage(l)})
	}
	t.envelopes = append(items, t.envelopes...)
}

// deleteInboxEntries deletes the entries that a commit has handled, those that came too late, and
// stale rows. The sweeper deletes what remains.
func (e *Engine) deleteInboxEntries(m *mailbox) {
	in := m.inbox
	m.inbox = store.Inbox{}
	for _, l := range in.Entries {
		in.Stale = append(in.Stale, l.Key())
	}
	if len(in.Stale) == 0 {
		return
	}
	errs := make([]error, len(in.Stale))
	var work sync.WaitGroup
	for i, key := range in.Stale {
		work.Go(func() { errs[i] = e.Store.DeleteInboxEntry(e.ctx, key) })
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		e.Log.Warn("inbox not cleared; the sweeper will", "partition", m.partition, "err", err)
	} else if in.More && e.mayContinue(m) {
		m.mu.Lock()
		m.envelopes = append(m.envelopes, &envelope{inbox: true})
		m.mu.Unlock()
	}
}

// A process whose every commit wins keeps other processes from committing, and does not load what
// it knows: it polls the inbox once a second if it commits so often in that time.
const (
	inboxCheckInterval = time.Second
	monopolyCommits    = 8
)

// monopolizes reports, at most once a second, whether the mailbox may keep other processes from
// committing.
func (m *mailbox) monopolizes(now int64) bool {
	if now-m.commitsSince < inboxCheckInterval.Milliseconds() {
		return false
	}
	crowds := m.x != nil && m.commits >= monopolyCommits
	m.commitsSince, m.commits = now, 0
	return crowds
}

// pollInbox reads the inbox of a busy execution, and makes the next transaction load the execution
// again if the inbox is not empty.
func (e *Engine) pollInbox(m *mailbox) {
	if e.ownsStore() || m.work == nil || !m.monopolizes(e.nowMillis()) {
		return
	}
	in, err := e.Store.Inbox(e.ctx, m.x)
	if err != nil {
		e.Log.Warn("inbox not read", "partition", m.partition, "err", err)
	} else if len(in.Entries)+len(in.Stale) > 0 {
		m.invalidate()
	}
}

// wakeInboxEntry is what the sweeper does with an entry that was not handled in time: it deletes
// the entry if its execution has ended; otherwise it moves the wake time and has the inbox read.
func (e *Engine) wakeInboxEntry(ctx context.Context, key driver.Key) error {
	l, err := e.Store.InboxEntry(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return e.Store.DeleteExpiredRow(ctx, key)
	} else if err != nil {
		return err
	}
	now := e.nowMillis()
	if l.Wake > now {
		return nil
	}
	x, err := e.Load(ctx, key.Partition)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil || !l.IsFor(x) || x.Status.Final() {
		return e.Store.DeleteInboxEntry(ctx, key)
	}
	wake := now + sweepBackoff(l.SweepAttempts())
	if err := e.Store.RescheduleInboxEntry(ctx, l, wake); err != nil {
		if errors.Is(err, store.ErrConflict) {
			return nil // another process has handled or deleted it
		}
		return err
	}
	return e.notifyInbox(ctx, key.Partition, !e.onlyAccepts())
}
