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

// sendHint sends a hint. If that fails, the sweeper finds the execution by its wake time.
func (r *Engine) sendHint(partition string, delay time.Duration) {
	if err := r.Queue.Send(r.ctx, newHint(partition, delay)); err != nil {
		r.Log.Warn("hint not sent; the sweeper will", "partition", partition, "err", err)
	}
}

// hintDelayMax is how far ahead a delayed hint makes a wake-up precise. The sweeper sees to later
// ones.
const hintDelayMax = 3 * time.Minute

// scheduleWakeup sends a delayed hint for the next wake-up that this process does not see to
// itself: it sees to its own calls and to the delivery it is making now.
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

// handOff sends a hint for what this process leaves to another one: work that became ready, and
// outbox entries.
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

// bumpWake is what the sweeper of an acceptor does with a due row: it moves the wake time, so that
// an execution that crashes its processes is not retried at once, and sends a hint.
func (r *Engine) bumpWake(ctx context.Context, x *store.Execution) error {
	ch := unchanged(x)
	ch.SweepAttempts++
	ch.Wake = r.nowMillis() + sweepBackoff(x.SweepAttempts)
	if err := r.Store.Commit(ctx, x, ch); err != nil {
		return err
	}
	return r.Queue.Send(ctx, newHint(x.Partition(), 0))
}
