package engine

import (
	"context"
	"errors"
	"time"

	"millrace/shared/engine/dispatch"
	"millrace/shared/interp"
	"millrace/shared/task"
)

// call starts a call that the committed state leases to this process, and submits its result. It
// does not start a call whose lease is over, or any call while the engine closes: the lease expires
// at the next transaction.
func (e *Engine) call(m *mailbox, call *interp.Call) {
	now := e.nowMillis()
	account := m.x.Account
	_, flying := m.calls[call.Attempt] // its lease expired, and this process leased it again
	if flying || now > call.Until || !e.addGoroutine() {
		e.line.Release(account, 1)
		return
	}
	timeMax := m.work.callTimeMax
	ctx, cancel := e.callContext(call, now, timeMax)
	current := &inFlightCall{cancel: cancel}
	current.lease.Extend(call.Until)
	m.calls[call.Attempt] = current
	work := m.work
	work.add()
	held := e.mailboxes.acquire(m.partition)
	run := e.runner(m, call, current, now)
	attempt := call.Attempt
	// A start is repeated until it is made: no Retry is for one child of a MapRun.
	startsChild := call.Child != nil && !call.Child.Express
	e.callWorkers.Run(func() {
		defer e.goroutines.Done()
		defer work.done()
		stopRenewing := e.renew(held.partition, attempt)
		result, leaseLost := run(ctx)
		stopRenewing()
		timedOut := ctx.Err() == context.DeadlineExceeded
		tooLong := timedOut && context.Cause(ctx) == errTooLong
		canceled := ctx.Err() != nil
		cancel()
		release := dispatch.ReleaseOf(&result)
		if canceled {
			release() // the result is dropped
		}
		switch {
		case tooLong && !startsChild:
			message := callTooLong(attempt, timeMax)
			e.submit(held.partition, &envelope{message: message, done: func(reply) {
				e.mailboxes.release(held)
			}})
		case timedOut:
			// The interpreter closes the attempt by its deadline.
			e.submit(held.partition, nil)
			e.mailboxes.release(held)
		case canceled && e.draining(), leaseLost, tooLong:
			message := interp.Message{Kind: interp.CallReturned, Attempt: attempt, Owner: e.owner}
			e.submit(held.partition, &envelope{message: message, done: func(reply) {
				e.mailboxes.release(held)
			}})
		case canceled:
			e.mailboxes.release(held)
		default:
			message := dispatch.Completed(attempt, result)
			e.submit(held.partition, &envelope{message: message, done: func(reply) {
				release()
				e.mailboxes.release(held)
			}})
		}
	})
}

// runner returns the function that makes a call and releases its place in the line. leaseLost is as
// for Dispatcher.Run. A child execution gives its place back at once: an Express one makes calls
// of its own, which need places.
func (e *Engine) runner(
	m *mailbox, call *interp.Call, current *inFlightCall, now int64,
) func(context.Context) (result task.Result, leaseLost bool) {
	account := m.x.Account
	if call.Child != nil {
		c := newMapChild(m.x, call)
		return func(ctx context.Context) (task.Result, bool) {
			e.line.Release(account, 1)
			return e.runMapChild(ctx, c), false
		}
	}
	t := dispatch.NewCall(m.x, call, now)
	if e.line != nil && e.leases.canExpire() {
		t.Lease = &current.lease
	}
	return func(ctx context.Context) (task.Result, bool) {
		defer e.line.Release(account, 1)
		return e.dispatcher.Run(ctx, t)
	}
}

// inFlightCall is a call in flight, or one that waits in line.
type inFlightCall struct {
	cancel context.CancelFunc
	lease  dispatch.Lease
}

// errTooLong is the cause of a context that ended because the call took longer than callTimeMax.
var errTooLong = errors.New("engine: the call took too long")

// callContext returns a context that ends at the attempt's deadline, after timeMax (0: no bound),
// or when Drain or Close cancels the call.
func (e *Engine) callContext(
	call *interp.Call, now int64, timeMax time.Duration,
) (context.Context, context.CancelFunc) {
	if timeMax > 0 && (call.Deadline == 0 || call.Deadline-now > timeMax.Milliseconds()) {
		return context.WithTimeoutCause(e.callCtx, timeMax, errTooLong)
	}
	if call.Deadline > 0 {
		return context.WithTimeout(e.callCtx, time.Duration(call.Deadline-now)*time.Millisecond)
	}
	return context.WithCancel(e.callCtx)
}

// renew submits a recheck of the execution from time to time while a call is in flight, so that its
// lease does not expire. It returns the function that ends this. The caller must be a goroutine of
// the engine.
func (e *Engine) renew(partition string, attempt int64) (stop func()) {
	interval := e.leases.renewInterval(attempt)
	if interval == 0 {
		return func() {}
	}
	over := make(chan struct{})
	e.goroutines.Add(1)
	go func() {
		defer e.goroutines.Done()
		t := time.NewTicker(interval)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				select {
				case <-over: // the call ended between the tick and now
					return
				default:
				}
				e.submit(partition, nil)
			case <-over:
				return
			}
		}
	}()
	return func() { close(over) }
}
