package engine

import (
	"context"
	"errors"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// An execution on which every process crashes or gives up is poison. The state row counts who
// picked it up, so that it ends after some attempts instead of taking down one process after
// another (docs/protocol.md#poison-executions).
const (
	sweepAttemptsMax  = 3
	engineAttemptsMax = 5
)

// isSuspect reports whether the execution may be a poison execution: the sweeper, or a process that
// started, picked it up sweepAttemptsMax times without a completed transaction.
func (t *transaction) isSuspect() bool {
	return t.engine.ownsStore() && !t.created && t.mailbox.x.SweepAttempts >= sweepAttemptsMax
}

// enterQuarantine lets an engine that owns its store run suspects one at a time, so that a crash is
// counted for the execution that caused it alone.
func (t *transaction) enterQuarantine() (leave func(), err error) {
	if !t.isSuspect() {
		return func() {}, nil
	}
	select {
	case t.engine.quarantine <- struct{}{}:
		return func() { <-t.engine.quarantine }, nil
	case <-t.engine.ctx.Done():
		return nil, context.Canceled
	}
}

// isOrphan reports whether the execution was left by an earlier process and this process has not
// counted its pickup yet. An engine that owns its store counts pickups as the sweeper counts due
// rows, because a process that crashes right after its start, on an execution it resumes or gets a
// message for, never reaches its first sweep.
func (t *transaction) isOrphan() bool {
	e, m := t.engine, t.mailbox
	return e.ownsStore() && !m.pickupCounted && m.x.LastTime < e.started
}

// countEngine counts an attempt to advance an execution that was picked up again and again. It
// commits the count before it reads the definition and before the step, because a step that crashes
// its process must not be repeated for ever. A completed transaction resets the counts even if it
// changes nothing else: a row that only waits is found due when its wake time was too early, and
// must not count as poison. commitWithRetry counts an engine once, because conflicts and store
// errors do not show that the execution is poison.
func (t *transaction) countEngine() error {
	x := t.mailbox.x
	begins, orphan := x.SweepAttempts >= sweepAttemptsMax && !*t.engineCounted, t.isOrphan()
	if t.created || t.fatal != nil || t.mailbox.state.Final() || !begins && !t.due && !orphan {
		return nil
	}
	ch := unchanged(x)
	if t.due || orphan {
		ch.SweepAttempts++
	}
	if t.due {
		ch.Wake = t.engine.nowMillis() + sweepBackoff(x.SweepAttempts)
	}
	if begins {
		if x.EngineAttempts >= engineAttemptsMax {
			t.fatal = &flow.Error{Name: "FnF.InternalError",
				Cause: "the execution could not be advanced: " +
					"each engine that advanced it died or gave up"}
			return nil
		}
		ch.EngineAttempts++
	}
	t.resetCounts = true
	err := t.engine.Store.Commit(t.engine.ctx, x, ch)
	counted := !errors.Is(err, store.ErrConflict)
	*t.engineCounted = *t.engineCounted || begins && counted
	t.mailbox.pickupCounted = t.mailbox.pickupCounted || orphan && counted
	return err
}

// sweepPolicy is how long the sweeper leaves a row alone that it has woken.
var sweepPolicy = backoff.Policy{Min: time.Minute, Max: time.Hour}

// sweepBackoff returns how long the sweeper leaves a row alone that it has woken tries times
// before, in ms.
func sweepBackoff(tries int) int64 { return sweepPolicy.After(tries).Milliseconds() }

// unchanged returns a change that writes the execution as it is.
func unchanged(x *store.Execution) *store.Change {
	return &store.Change{
		Status: x.Status, Stopped: x.Stopped, Output: x.Output, Error: x.Error,
		LastEvent: x.LastEvent, LastTime: x.LastTime, Wake: x.Wake,
		SweepAttempts: x.SweepAttempts, EngineAttempts: x.EngineAttempts,
	}
}
