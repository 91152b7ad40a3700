package runner

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
	inboxWake = 30 * time.Second
	inboxWait = 5 * time.Second
)

// Pauses between two looks at the execution while news waits in its inbox.
const (
	inboxLook    = 25 * time.Millisecond
	inboxLookMax = time.Second
)

// post puts news into the inbox of an execution and gives what becomes of it. errBusy: nothing has, until the time was
// over; it has been taken back.
func (r *Runner) post(ctx context.Context, partition string, n interp.Message) (answer, error) {
	a, open, err := r.judge(ctx, partition, 0, &n)
	if err != nil || !open {
		return a, err
	}
	l := &store.Letter{Partition: partition, Run: a.x.Run, Token: n.TokenID, Attempt: n.Attempt, Mark: n.Mark, Output: n.Output, Error: n.Error,
		Wake: r.nowMillis() + inboxWake.Milliseconds(), Expires: a.x.Expires}
	if err := r.Store.Post(ctx, l); err != nil && lasting(err) && !errors.Is(err, store.ErrConflict) {
		return answer{}, err
	}
	// Another's letter is not yet accepted, and one that may be there or not is as one that is there: what counts is
	// what the state row comes to.
	if err := r.knock(ctx, partition, r.Exclusive); err != nil {
		r.Log.Warn("hint not sent; the sweeper will", "partition", partition, "err", err)
	}
	return r.wait(ctx, l, n)
}

// knock makes a runner look into the inbox: this one, or one that a hint reaches.
func (r *Runner) knock(ctx context.Context, partition string, here bool) error {
	if !here {
		return r.Queue.Send(ctx, hint(partition, 0))
	}
	if !r.closing() {
		r.submit(partition, &item{inbox: true})
	}
	return nil
}

// wait watches the state until it has an answer for the letter. When the time is over the letter is taken back, and the
// state is looked at once more: somebody may just have folded it.
func (r *Runner) wait(ctx context.Context, l *store.Letter, n interp.Message) (answer, error) {
	over := time.NewTimer(inboxWait)
	defer over.Stop()
	look := time.NewTimer(0)
	defer look.Stop()
	back, pause := false, inboxLook
	for {
		select {
		case <-look.C:
		case <-over.C:
			back = true
		case <-r.closed:
			back = true
		case <-ctx.Done():
			return answer{}, ctx.Err()
		}
		if back {
			r.withdraw(ctx, l)
		}
		a, open, err := r.judge(ctx, l.Partition, l.Run, &n)
		switch {
		case err == nil && !open:
			if a.verdict.Rejection != interp.Accepted && !back {
				r.withdraw(ctx, l)
			}
			return a, nil
		case errors.Is(err, errGone):
			return answer{}, err
		case back && err != nil:
			return answer{}, err
		case back:
			return answer{}, errBusy
		}
		look.Reset(pause)
		pause = min(2*pause, inboxLookMax)
	}
}

// withdraw takes a letter back, unless it is another's. One that stays is seen to by whoever finds it.
func (r *Runner) withdraw(ctx context.Context, l *store.Letter) {
	if err := r.Store.Withdraw(ctx, l); err != nil && !errors.Is(err, store.ErrConflict) {
		r.Log.Warn("news stays in the inbox", "partition", l.Partition, "err", err)
	}
}

// judge reads what has become of news: the answer for it, or that its attempt is still open. With a run errGone says
// that the name belongs to another one by now. A report that names no attempt is made one for the attempt that is open.
func (r *Runner) judge(ctx context.Context, partition string, run uint64, n *interp.Message) (a answer, open bool, err error) {
	x, err := r.Store.Load(ctx, partition)
	if errors.Is(err, store.ErrNotFound) || err == nil && run != 0 && x.Run != run {
		return answer{}, false, errGone
	} else if err != nil {
		return answer{}, false, err
	}
	s, err := r.stateOf(x)
	if err != nil {
		return answer{}, false, err
	}
	s.ResolveAttempt(n)
	a = answer{x: x, verdict: interp.Reply{Rejection: s.Check(n)}}
	switch a.verdict.Rejection {
	case interp.Accepted:
		return a, true, nil
	case interp.AlreadyEnded, interp.Superseded:
		if id, ok := r.marked(ctx, x, *n); ok {
			a.verdict = interp.Reply{Event: id}
		}
	}
	return a, false, nil
}

// newsOfLetter is what stands in a letter.
func newsOfLetter(l *store.Letter) interp.Message {
	n := interp.Message{Kind: interp.TaskReported, TokenID: l.Token, Attempt: l.Attempt, Output: l.Output, Error: l.Error, Mark: l.Mark}
	if l.Token == 0 {
		n.Kind = interp.StopRequested
	}
	return n
}

// open takes the letters that have been read into the fold, before newer news.
func (f *fold) open(in *store.Inbox) {
	if len(in.Letters) == 0 {
		return
	}
	items := make([]*item, 0, len(in.Letters)+len(f.items))
	for _, l := range in.Letters {
		items = append(items, &item{news: newsOfLetter(l)})
	}
	f.items = append(items, f.items...)
}

// dispose drops the letters that a commit has taken in, those that came too late, and rows that are for nobody. What it
// does not come to the sweeper does.
func (r *Runner) dispose(c *cell) {
	in := c.inbox
	c.inbox = store.Inbox{}
	for _, l := range in.Letters {
		in.Done = append(in.Done, l.Key())
	}
	if len(in.Done) == 0 {
		return
	}
	errs := make([]error, len(in.Done))
	var work sync.WaitGroup
	for i, key := range in.Done {
		work.Go(func() { errs[i] = r.Store.Drop(r.life, key) })
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		r.Log.Warn("inbox not cleared; the sweeper will", "partition", c.partition, "err", err)
	} else if in.More && r.mayGoOn(c) {
		c.mu.Lock()
		c.items = append(c.items, &item{inbox: true})
		c.mu.Unlock()
	}
}

// A runner whose every commit wins keeps others from theirs, and does not load what it knows: it looks into the inbox
// once a second as long as it commits so often in that time.
const (
	busyTime    = time.Second
	busyCommits = 8
)

// crowds tells, once a second, whether the cell has kept others from the state row.
func (c *cell) crowds(now int64) bool {
	if now-c.since < busyTime.Milliseconds() {
		return false
	}
	crowds := c.x != nil && c.commits >= busyCommits
	c.since, c.commits = now, 0
	return crowds
}

// peek looks into the inbox of a busy execution, and has it loaded again when there is something in it.
func (r *Runner) peek(c *cell) {
	if r.Exclusive || !r.advancing(c) || !c.crowds(r.nowMillis()) {
		return
	}
	in, err := r.Store.Inbox(r.life, c.x)
	if err != nil {
		r.Log.Warn("inbox not read", "partition", c.partition, "err", err)
	} else if len(in.Letters)+len(in.Done) > 0 {
		c.forget()
	}
}

// wakeLetter is what a sweeper does with a letter that nobody has seen to: it drops one whose execution has ended, puts
// off the wake time of another and has it folded.
func (r *Runner) wakeLetter(ctx context.Context, key store.Key) error {
	l, err := r.Store.Letter(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return r.Store.ForgetExpired(ctx, key)
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
		return r.Store.Drop(ctx, key)
	}
	if err := r.Store.PutOff(ctx, l, now+pause(l.Tries())); err != nil {
		if errors.Is(err, store.ErrConflict) {
			return nil // somebody else has seen to it
		}
		return err
	}
	return r.knock(ctx, key.Partition, !r.Thin)
}
