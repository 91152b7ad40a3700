package engine

import (
	"context"
	"errors"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/store"
)

// purgeTimeMax is how long a deletion removes rows before it leaves the others to the sweeper.
const purgeTimeMax = 5 * time.Second

// DeleteExecution deletes an execution that has ended. Once it returns nil, no reader sees the
// execution any more, and no start gets its name before the retention is over. Its rows are removed
// by then, unless there are very many or the store fails: the sweeper removes those. A repeat
// finishes what an earlier deletion has begun, and returns ErrNoExecution if nothing was left of
// it. ErrExecutionRunning: it has not ended. ErrEndNotReported: its end is still to be reported.
func (e *Engine) DeleteExecution(ctx context.Context, partition string) error {
	a, err := e.submitAndWait(ctx, partition, &envelope{remove: true})
	left := a.x
	var contended *contentionError
	switch earlier := store.Deleted(err); {
	case errors.As(err, &contended):
		return ErrBusy
	case earlier != nil && !earlier.Purged:
		left = earlier
	case errors.Is(err, store.ErrNotFound):
		return ErrNoExecution
	case err != nil:
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTimeMax)
	defer cancel()
	if err := e.purge(ctx, left); err != nil {
		e.Log.Warn("deleted execution not purged; the sweeper will", "partition", partition,
			"err", err)
	}
	return nil
}

// purge removes the rows of a deleted execution, unless that has been done.
func (e *Engine) purge(ctx context.Context, left *store.Execution) error {
	if left.Purged {
		return nil
	}
	return e.Store.PurgeExecution(ctx, left, e.finalWakeTime(left.Expires))
}

// remove deletes the execution of a mailbox, and replies with what is left of it. Conflicts are
// retried, because an outbox entry may have been delivered meanwhile.
func (e *Engine) remove(m *mailbox, it *envelope) {
	for {
		left, err := e.tryRemove(m)
		rejected := errors.Is(err, ErrExecutionRunning) || errors.Is(err, ErrEndNotReported)
		result := outcomeOf(err)
		if !rejected && (result == conflict || result == unknown) {
			m.invalidate()
			if it.failedCommits++; it.failedCommits < externalCommitsMax {
				backoff.Wait(e.ctx, jitter.After(it.failedCommits))
				continue
			}
			err = &contentionError{err}
		}
		if it.failedCommits > 0 && store.Deleted(err) != nil {
			left, err = store.Deleted(err), nil // a commit of this one may have been applied
		}
		it.done(reply{x: left, err: err})
		return
	}
}

func (e *Engine) tryRemove(m *mailbox) (left *store.Execution, err error) {
	if err := e.load(m); err != nil {
		return nil, err
	}
	switch {
	case !m.state.Final():
		return nil, ErrExecutionRunning
	case len(m.state.Outbox) > 0:
		return nil, ErrEndNotReported
	}
	left, err = e.Store.DeleteExecution(e.ctx, m.x, e.nowMillis()+readyDelay.Milliseconds())
	if err == nil {
		m.invalidate()
	}
	return left, err
}
