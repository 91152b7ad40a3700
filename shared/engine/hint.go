package engine

import (
	"context"
	"time"

	"millrace/shared/queue"
	"millrace/shared/store"
)

func newHint(partition string, delay time.Duration) queue.Hint {
	return queue.Hint{Partition: partition, Delay: delay}
}

// sendHint sends a hint in the background. One that is lost the sweeper sends.
func (r *Engine) sendHint(partition string, delay time.Duration) {
	if err := r.Queue.Send(r.ctx, newHint(partition, delay)); err != nil {
		r.Log.Warn("hint not sent; the sweeper will", "partition", partition, "err", err)
	}
}

// hintDelayMax is how far ahead a delayed hint makes a wake-up precise; the sweeper does what is later.
const hintDelayMax = 3 * time.Minute

// scheduleWakeup sends a delayed hint for what is due next and this process does not watch over: its calls it does, and so it does
// what it is sending now.
func (f *transaction) scheduleWakeup() {
	r, c := f.r, f.c
	next := c.state.NextWakeTime
	if c.relaying {
		next = c.state.NextTimer
	}
	due := next(r.owner)
	now := r.nowMillis()
	if due == 0 || due-now > hintDelayMax.Milliseconds() || c.hintDue > now && c.hintDue <= due {
		return
	}
	c.hintDue = due
	r.sendHint(c.partition, time.Duration(max(due-now, 0))*time.Millisecond)
}

// handOff sends a hint for what this process leaves to another: work that has become ready, and what is to be sent.
func (f *transaction) handOff(wasReady, wasUnsent bool) {
	r, c := f.r, f.c
	ready := c.state.Ready() && !wasReady || f.out.More
	unsent := c.state.Unsent() && !wasUnsent
	if !ready && !unsent {
		if !c.state.Final() {
			f.scheduleWakeup()
		}
		return
	}
	r.sendHint(c.partition, 0)
}

// bumpWake is what a sweeper does with a row that is due and that others advance: it moves the wake time, so that an
// execution that brings its runners down is not hammered, and sends a hint.
func (r *Engine) bumpWake(ctx context.Context, x *store.Execution) error {
	ch := unchanged(x)
	ch.SweepAttempts++
	ch.Wake = r.nowMillis() + sweepBackoff(x.SweepAttempts)
	if err := r.Store.Commit(ctx, x, ch); err != nil {
		return err
	}
	return r.Queue.Send(ctx, newHint(x.Partition(), 0))
}
