package engine

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// sessionMargin is what RunUntilIdle leaves of its time for the commits of its last results.
// callTimeMin is the shortest time for a call that is worth an invocation.
const (
	sessionMargin = 10 * time.Second
	callTimeMin   = time.Second
)

// RunUntilIdle advances an execution until nothing of it is in flight or ready, or until the time
// of ctx, less a margin, does not suffice for another call. What is ready then is handed off with a
// hint. When it returns, nothing of the execution goes on in this process, so the process may be
// frozen. An error means that the store failed or has a row of a newer program; the hint should be
// delivered again.
func (r *Engine) RunUntilIdle(ctx context.Context, partition string) error {
	if _, _, ok := store.ParsePartition(partition); !ok {
		r.Log.Warn("hint names no execution", "partition", partition)
		return nil
	}
	if r.closing() {
		return context.Canceled
	}
	s, err := r.newWorkSession(ctx)
	if err != nil {
		return err
	}
	c := r.mailboxes.acquire(partition)
	defer r.mailboxes.release(c, r.Exclusive)
	if on := r.joinSession(partition, s); on != s {
		return on.await(ctx)
	}
	if ready := c.leaveSession(s); ready {
		r.sendHint(partition, 0)
	}
	return s.err
}

// isExecutor reports whether this process advances the execution now, instead of only accepting
// messages.
func (r *Engine) isExecutor(c *mailbox) bool { return !r.AcceptOnly || c.activeSession != nil }

// mayCall reports whether calls may begin.
func (r *Engine) mayCall(c *mailbox) bool {
	return !r.closing() && r.isExecutor(c) &&
		(c.activeSession == nil || r.nowMillis() <= c.activeSession.callDeadline)
}

// mayContinue reports whether another transaction may begin.
func (r *Engine) mayContinue(c *mailbox) bool {
	return !r.closing() && r.isExecutor(c) &&
		(c.activeSession == nil || r.nowMillis() <= c.activeSession.deadline)
}

// callTimeMax returns how long a call of the execution may take; 0: there is no bound.
func (r *Engine) callTimeMax(c *mailbox) time.Duration {
	if c.activeSession != nil {
		return c.activeSession.callTimeMax
	}
	return r.CallTimeMax
}

// callTooLong returns the message for a call that was canceled because it took longer than timeMax.
func callTooLong(attempt int64, timeMax time.Duration) interp.Message {
	cause := fmt.Sprintf("the call took longer than the %s that a call may take here; "+
		"let the task run asynchronously: invocationType Async with TaskMode "+
		"WaitForSystemCallback, or WaitForCustomCallback with a report by task token", timeMax)
	return interp.Message{Kind: interp.CallCompleted, Attempt: attempt,
		Error: &flow.Error{Name: flow.ErrTaskTimeout, Cause: cause}}
}
