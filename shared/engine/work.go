package engine

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// sessionMargin is what Work leaves of its time for the commits of its last results; callTimeMin is the shortest call that
// is worth a runner.
const (
	sessionMargin = 10 * time.Second
	callTimeMin   = time.Second
)

// RunUntilIdle takes up an execution as Look does, and runs on until nothing of it is in flight and nothing ready, or until
// the time of ctx, less a margin, does not suffice for another call. What is ready then is handed over with a hint.
// When it returns, nothing of the execution goes on in this process: it may be frozen. An error means that the store
// could not be reached or has a row of a newer program; the hint should come again.
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

// isExecutor tells whether this process runs the execution on, and not only takes in news.
func (r *Engine) isExecutor(c *mailbox) bool { return !r.AcceptOnly || c.activeSession != nil }

// mayCall tells whether calls may begin.
func (r *Engine) mayCall(c *mailbox) bool {
	return !r.closing() && r.isExecutor(c) && (c.activeSession == nil || r.nowMillis() <= c.activeSession.callDeadline)
}

// mayContinue tells whether another round may begin.
func (r *Engine) mayContinue(c *mailbox) bool {
	return !r.closing() && r.isExecutor(c) && (c.activeSession == nil || r.nowMillis() <= c.activeSession.deadline)
}

// callTimeMax is how long a call of the cell may take; 0: as long as it likes.
func (r *Engine) callTimeMax(c *mailbox) time.Duration {
	if c.activeSession != nil {
		return c.activeSession.callTimeMax
	}
	return r.CallTimeMax
}

// callTooLong is the news of a call that was cut because it took longer than any call may.
func callTooLong(attempt int64, most time.Duration) interp.Message {
	return interp.Message{Kind: interp.CallCompleted, Attempt: attempt, Error: &flow.Error{Name: flow.ErrTaskTimeout,
		Cause: fmt.Sprintf("the call took longer than the %s that a call may take here; let the task run asynchronously: "+
			"invocationType Async with TaskMode WaitForSystemCallback, or WaitForCustomCallback with a report by task token", most)}}
}
