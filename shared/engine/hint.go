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
func (e *Engine) sendHint(partition string, delay time.Duration) {
	if err := e.Queue.Send(e.ctx, newHint(partition, delay)); err != nil {
		e.Log.Warn("hint not sent; the sweeper will", "partition", partition, "err", err)
	}
}

// hintDelayMax is how far ahead a delayed hint makes a wake-up precise. The sweeper finds
// later ones.
const hintDelayMax = 3 * time.Minute

// scheduleWakeup sends a delayed hint for the next wake-up that this process does not handle
// itself: it handles its own calls and the delivery it is making now.
func (t *transaction) scheduleWakeup() {
	e, m := t.engine, t.mailbox
	next := m.state.NextWakeTime
	if m.relaying {
		next = m.state.NextTimer
	}
	due := next(e.owner)
	now := e.nowMillis()
	if due == 0 || due-now > hintDelayMax.Milliseconds() || m.hintDue > now && m.hintDue <= due {
		return
	}
	m.hintDue = due
	e.sendHint(m.partition, time.Duration(max(due-now, 0))*time.Millisecond)
}

// handOff sends a hint for what this process leaves to another one: what the step made necessary.
func (t *transaction) handOff() {
	e, m := t.engine, t.mailbox
	now := need{ready: m.state.Ready(), unsent: m.state.Unsent()}
	if now.grew(t.before) || t.out.More {
		e.sendHint(m.partition, 0)
	} else if !m.state.Final() {
		t.scheduleWakeup()
	}
}

// bumpWake is what the sweeper of an acceptor does with a due row: it moves the wake time, so that
// an execution that crashes its processes is not retried at once, and sends a hint.
func (e *Engine) bumpWake(ctx context.Context, x *store.Execution) error {
	ch := unchanged(x)
	ch.SweepAttempts++
	ch.Wake = e.nowMillis() + sweepBackoff(x.SweepAttempts)
	if err := e.Store.Commit(ctx, x, ch); err != nil {
		return err
	}
	return e.Queue.Send(ctx, newHint(x.Partition(), 0))
}
