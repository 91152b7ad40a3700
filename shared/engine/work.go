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
// of ctx, less a margin, does not suffice for another call. What is ready then, and what the outbox
// holds, is handed off with a hint. When it returns, nothing of the execution goes on in this
// process, so the process may be frozen. A hint for a schedule is handled likewise. An error means
// that the store failed or has a row of a newer program; the hint should be delivered again.
func (e *Engine) RunUntilIdle(ctx context.Context, partition string) error {
	if row, key := e.rowOfHint(partition); row != nil {
		return e.handleRowHint(ctx, row, key)
	}
	if _, _, ok := store.ParsePartition(partition); !ok {
		e.Log.Warn("hint names no execution", "partition", partition)
		return nil
	}
	if e.closing() {
		return context.Canceled
	}
	s, err := e.newWorkSession(ctx)
	if err != nil {
		return err
	}
	m := e.mailboxes.acquire(partition)
	defer e.mailboxes.release(m)
	if on := e.joinSession(partition, s); on != s {
		return on.await(ctx)
	}
	if left := e.leaveSession(m, s); left {
		e.sendHint(partition, 0)
	}
	return s.err
}

// mayCall reports whether calls may begin.
func (e *Engine) mayCall(m *mailbox) bool {
	return !e.closing() && m.work != nil && e.nowMillis() <= m.work.callDeadline
}

// mayContinue reports whether another transaction may begin.
func (e *Engine) mayContinue(m *mailbox) bool {
	return !e.closing() && m.work != nil && e.nowMillis() <= m.work.deadline
}

// callTooLong returns the message for a call that was canceled because it took longer than timeMax.
func callTooLong(attempt int64, timeMax time.Duration) interp.Message {
	cause := fmt.Sprintf("the call took longer than the %s that a call may take here; "+
		"let the task run asynchronously: invocationType Async with TaskMode "+
		"WaitForSystemCallback, or WaitForCustomCallback with a report by task token", timeMax)
	return interp.Message{Kind: interp.CallCompleted, Attempt: attempt,
		Error: &flow.Error{Name: flow.ErrTaskTimeout, Cause: cause}}
}
