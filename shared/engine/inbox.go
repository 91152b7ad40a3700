package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/shared/interp"
	"millrace/shared/store"
)

// The inbox is for news from outside that loses the race for the state row again and again (execution.md 1.6). It
// decides nothing: a runner folds what is in it like other news, and only the commit of that fold accepts it.

// How long news waits in an inbox: until the sweeper looks whether anybody has seen to it, and until the one who has
// put it there takes it back.
const (
	inboxWakeDelay = 30 * time.Second
	inboxWait      = 5 * time.Second
)

// Pauses between two looks at the execution while news waits in its inbox.
const (
	inboxPollInterval    = 25 * time.Millisecond
	inboxPollIntervalMax = time.Second
)

// enqueueInboxEntry puts news into the inbox of an execution and gives what becomes of it. errBusy: nothing has, until the time was
// over; it has been taken back.
func (r *Engine) enqueueInboxEntry(ctx context.Context, partition string, n interp.Message) (reply, error) {
	a, open, err := r.evaluate(ctx, partition, 0, &n)
	if err != nil || !open {
		return a, err
	}
	l := &store.InboxEntry{Partition: partition, Run: a.x.Run, Token: n.TokenID, Attempt: n.Attempt, Mark: n.Mark, Output: n.Output, Error: n.Error,
		Wake: r.nowMillis() + inboxWakeDelay.Milliseconds(), Expires: a.x.Expires}
	if err := r.Store.EnqueueInboxEntry(ctx, l); err != nil && outcomeKnown(err) && !errors.Is(err, store.ErrConflict) {
		return reply{}, err
	}
	// Another's letter is not yet accepted, and one that may be there or not is as one that is there: what counts is
	// what the state row comes to.
	if err := r.notifyInbox(ctx, partition, r.Exclusive); err != nil {
		r.Log.Warn("hint not sent; the sweeper will", "partition", partition, "err", err)
	}
	return r.awaitInboxEntry(ctx, l, n)
}

// notifyInbox makes a runner look into the inbox: this one, or one that a hint reaches.
func (r *Engine) notifyInbox(ctx context.Context, partition string, here bool) error {
	if !here {
		return r.Queue.Send(ctx, newHint(partition, 0))
	}
	if !r.closing() {
		r.submit(partition, &envelope{inbox: true})
	}
	return nil
}

// awaitInboxEntry watches the state until it has an answer for the letter. When the time is over the letter is taken back, and the
// state is looked at once more: somebody may just have folded it.
func (r *Engine) awaitInboxEntry(ctx context.Context, l *store.InboxEntry, n interp.Message) (reply, error) {
	over := time.NewTimer(inboxWait)
	defer over.Stop()
	look := time.NewTimer(0)
	defer look.Stop()
	back, pause := false, inboxPollInterval
	for {
		select {
		case <-look.C:
		case <-over.C:
			back = true
		case <-r.closed:
			back = true
		case <-ctx.Done():
			return reply{}, ctx.Err()
		}
		if back {
			r.retractInboxEntry(ctx, l)
		}
		a, open, err := r.evaluate(ctx, l.Partition, l.Run, &n)
		switch {
		case err == nil && !open:
			if a.stepReply.Rejection != interp.Accepted && !back {
				r.retractInboxEntry(ctx, l)
			}
			return a, nil
		case errors.Is(err, errGone):
			return reply{}, err
		case back && err != nil:
			return reply{}, err
		case back:
			return reply{}, errBusy
		}
		look.Reset(pause)
		pause = min(2*pause, inboxPollIntervalMax)
	}
}

// retractInboxEntry takes a letter back, unless it is another's. One that stays is seen to by whoever finds it.
func (r *Engine) retractInboxEntry(ctx context.Context, l *store.InboxEntry) {
	if err := r.Store.RetractInboxEntry(ctx, l); err != nil && !errors.Is(err, store.ErrConflict) {
		r.Log.Warn("news stays in the inbox", "partition", l.Partition, "err", err)
	}
}

// evaluate reads what has become of news: the answer for it, or that its attempt is still open. With a run errGone says
// that the name belongs to another one by now. A report that names no attempt is made one for the attempt that is open.
func (r *Engine) evaluate(ctx context.Context, partition string, run uint64, n *interp.Message) (a reply, open bool, err error) {
	x, err := r.Store.Load(ctx, partition)
	if errors.Is(err, store.ErrNotFound) || err == nil && run != 0 && x.Run != run {
		return reply{}, false, errGone
	} else if err != nil {
		return reply{}, false, err
	}
	s, err := r.decodeState(x)
	if err != nil {
		return reply{}, false, err
	}
	s.ResolveAttempt(n)
	a = reply{x: x, stepReply: interp.Reply{Rejection: s.Check(n)}}
	switch a.stepReply.Rejection {
	case interp.Accepted:
		return a, true, nil
	case interp.AlreadyEnded, interp.Superseded:
		if id, ok := r.findMark(ctx, x, *n); ok {
			a.stepReply = interp.Reply{Event: id}
		}
	}
	return a, false, nil
}

// inboxMessage is what stands in a letter.
func inboxMessage(l *store.InboxEntry) interp.Message {
	n := interp.Message{Kind: interp.TaskReported, TokenID: l.Token, Attempt: l.Attempt, Output: l.Output, Error: l.Error, Mark: l.Mark}
	if l.Token == 0 {
		n.Kind = interp.StopRequested
	}
	return n
}

// drainInbox takes the letters that have been read into the fold, before newer news.
func (f *transaction) drainInbox(in *store.Inbox) {
	if len(in.Entries) == 0 {
		return
	}
	items := make([]*envelope, 0, len(in.Entries)+len(f.envelopes))
	for _, l := range in.Entries {
		items = append(items, &envelope{message: inboxMessage(l)})
	}
	f.envelopes = append(items, f.envelopes...)
}

// deleteInboxEntries drops the letters that a commit has taken in, those that came too late, and rows that are for nobody. What it
// does not come to the sweeper does.
func (r *Engine) deleteInboxEntries(c *mailbox) {
	in := c.inbox
	c.inbox = store.Inbox{}
	for _, l := range in.Entries {
		in.Stale = append(in.Stale, l.Key())
	}
	if len(in.Stale) == 0 {
		return
	}
	errs := make([]error, len(in.Stale))
	var work sync.WaitGroup
	for i, key := range in.Stale {
		work.Go(func() { errs[i] = r.Store.DeleteInboxEntry(r.ctx, key) })
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		r.Log.Warn("inbox not cleared; the sweeper will", "partition", c.partition, "err", err)
	} else if in.More && r.mayContinue(c) {
		c.mu.Lock()
		c.envelopes = append(c.envelopes, &envelope{inbox: true})
		c.mu.Unlock()
	}
}

// A runner whose every commit wins keeps others from theirs, and does not load what it knows: it looks into the inbox
// once a second as long as it commits so often in that time.
const (
	inboxCheckInterval = time.Second
	monopolyCommits    = 8
)

// monopolizes tells, once a second, whether the cell has kept others from the state row.
func (c *mailbox) monopolizes(now int64) bool {
	if now-c.commitsSince < inboxCheckInterval.Milliseconds() {
		return false
	}
	crowds := c.x != nil && c.commits >= monopolyCommits
	c.commitsSince, c.commits = now, 0
	return crowds
}

// pollInbox looks into the inbox of a busy execution, and has it loaded again when there is something in it.
func (r *Engine) pollInbox(c *mailbox) {
	if r.Exclusive || !r.isExecutor(c) || !c.monopolizes(r.nowMillis()) {
		return
	}
	in, err := r.Store.Inbox(r.ctx, c.x)
	if err != nil {
		r.Log.Warn("inbox not read", "partition", c.partition, "err", err)
	} else if len(in.Entries)+len(in.Stale) > 0 {
		c.invalidate()
	}
}

// wakeInboxEntry is what a sweeper does with a letter that nobody has seen to: it drops one whose execution has ended, puts
// off the wake time of another and has it folded.
func (r *Engine) wakeInboxEntry(ctx context.Context, key store.Key) error {
	l, err := r.Store.InboxEntry(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return r.Store.DeleteExpiredRow(ctx, key)
	} else if err != nil {
		return err
	}
	now := r.nowMillis()
	if l.Wake > now {
		return nil
	}
	x, err := r.Load(ctx, key.Partition)
	if err != nil && !IsGone(err) {
		return err
	}
	if err != nil || x.Run != l.Run || x.Status.Final() {
		return r.Store.DeleteInboxEntry(ctx, key)
	}
	if err := r.Store.RescheduleInboxEntry(ctx, l, now+sweepBackoff(l.SweepAttempts())); err != nil {
		if errors.Is(err, store.ErrConflict) {
			return nil // somebody else has seen to it
		}
		return err
	}
	return r.notifyInbox(ctx, key.Partition, !r.AcceptOnly)
}
