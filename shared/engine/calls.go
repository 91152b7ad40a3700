package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/task"
	"millrace/shared/value"
)

// call starts a call that the committed state leases to this process, and submits its result. It
// does not start a call whose lease is over, or any call while the engine closes: the lease expires
// at the next transaction.
func (r *Engine) call(c *mailbox, call *interp.Call) {
	now := r.nowMillis()
	account := c.x.Account
	_, flying := c.calls[call.Attempt] // its lease expired, and this process leased it again
	if flying || now > call.Until || !r.addGoroutine() {
		r.line.Release(account, 1)
		return
	}
	timeMax := r.callTimeMax(c)
	ctx, cancel := r.callContext(call, now, timeMax)
	current := &inFlightCall{cancel: cancel}
	current.until.Store(call.Until)
	c.calls[call.Attempt] = current
	session := c.activeSession
	if session != nil {
		session.add()
	}
	held := r.mailboxes.acquire(c.partition)
	t := newPendingCall(c.x, call, now)
	if r.line != nil && !r.Exclusive {
		t.lease = current
	}
	attempt := call.Attempt
	r.callWorkers.run(func() {
		defer r.goroutines.Done()
		if session != nil {
			defer session.done()
		}
		stopRenewing := r.renew(held.partition, attempt)
		result := r.runTask(ctx, t)
		r.line.Release(account, 1)
		stopRenewing()
		timedOut := ctx.Err() == context.DeadlineExceeded
		tooLong := timedOut && context.Cause(ctx) == errTooLong
		canceled := ctx.Err() != nil
		cancel()
		release := releaseOf(&result)
		if canceled {
			release() // the result is dropped
		}
		switch {
		case tooLong:
			message := callTooLong(attempt, timeMax)
			r.submit(held.partition, &envelope{message: message, done: func(reply) {
				r.mailboxes.release(held, r.Exclusive)
			}})
		case timedOut:
			// The interpreter closes the attempt by its deadline.
			r.submit(held.partition, nil)
			r.mailboxes.release(held, r.Exclusive)
		case canceled && r.draining(), t.leaseLost:
			message := interp.Message{Kind: interp.CallReturned, Attempt: attempt, Owner: r.owner}
			r.submit(held.partition, &envelope{message: message, done: func(reply) {
				r.mailboxes.release(held, r.Exclusive)
			}})
		case canceled:
			r.mailboxes.release(held, r.Exclusive)
		default:
			message := callCompleted(attempt, result)
			r.submit(held.partition, &envelope{message: message, done: func(reply) {
				release()
				r.mailboxes.release(held, r.Exclusive)
			}})
		}
	})
}

// inFlightCall is a call in flight, or one that waits in line.
type inFlightCall struct {
	cancel context.CancelFunc
	until  atomic.Int64 // end of its lease as last committed by this process, ms since 1970
}

// releaseOf returns the function that releases the bytes of a result. It is never nil.
func releaseOf(result *task.Result) func() {
	if result.Release == nil {
		return func() {}
	}
	return result.Release
}

// errTooLong is the cause of a context that ended because the call took longer than callTimeMax.
var errTooLong = errors.New("engine: the call took too long")

// callContext returns a context that ends at the attempt's deadline, after timeMax (0: no bound),
// or when Drain or Close cancels the call.
func (r *Engine) callContext(
	call *interp.Call, now int64, timeMax time.Duration,
) (context.Context, context.CancelFunc) {
	if timeMax > 0 && (call.Deadline == 0 || call.Deadline-now > timeMax.Milliseconds()) {
		return context.WithTimeoutCause(r.callCtx, timeMax, errTooLong)
	}
	if call.Deadline > 0 {
		return context.WithTimeout(r.callCtx, time.Duration(call.Deadline-now)*time.Millisecond)
	}
	return context.WithCancel(r.callCtx)
}

// renew submits a recheck of the execution from time to time while a call is in flight, so that its
// lease does not expire. It returns the function that ends this. An exclusive engine need not
// renew, because no other process would make the call. The caller must be a goroutine of the
// engine.
func (r *Engine) renew(partition string, attempt int64) (stop func()) {
	if r.Exclusive || r.CallTimeMax > 0 {
		return func() {}
	}
	over := make(chan struct{})
	r.goroutines.Add(1)
	go func() {
		defer r.goroutines.Done()
		// Calls that began together must not all recheck together. No recheck comes before half of
		// the lease is over, because it would not renew the lease.
		apart := time.Duration(attempt%1024) * time.Microsecond
		t := time.NewTicker(max(r.LeaseMax/2, time.Millisecond) + apart)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				select {
				case <-over: // the call ended between the tick and now
					return
				default:
				}
				r.submit(partition, nil)
			case <-over:
				return
			}
		}
	}()
	return func() { close(over) }
}

// runTask waits until the account may have one more call in flight, then runs the task with the
// rights that its flow has by then. A panic in the task fails the task, not the process.
func (r *Engine) runTask(ctx context.Context, t *pendingCall) (result task.Result) {
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("task panicked", "action", t.request.Action, "panic", p)
			result = task.Fail("FC.Unknown", "the call broke inside the engine")
		}
	}()
	if r.acquireCall(ctx, t) != nil {
		return task.Result{}
	}
	defer r.Shares.Calls.Release(t.request.Account, 1)
	if t.leaseLost = t.lease != nil && r.nowMillis() > t.lease.until.Load(); t.leaseLost {
		return task.Result{}
	}
	t.fillRequest()
	if r.Rights != nil {
		may, err := r.Rights(t.request.Account, t.request.RoleArn, t.request.Author)
		if err != nil {
			return t.request.DeniedResult(err.Error())
		}
		t.request.May = may
	}
	return r.Tasks.Run(ctx, t.request)
}

// pendingCall is a call that is leased and has not begun. Its request is completed only when the
// call may begin.
type pendingCall struct {
	request   task.Request // without parameters and input
	params    flow.Value   // a copy: the execution goes on and may drop trees
	hasParams bool
	input     []byte
	lease     *inFlightCall // checked when the call may begin; nil: it cannot be lost
	leaseLost bool          // it was over by then: another process may have leased the attempt
}

// pendingTreeMax is the text size in bytes up to which parameters keep their tree in line. A tree
// takes many times the bytes of its text.
const pendingTreeMax = 4 << 10

// dropTree drops the tree of large parameters, which can be decoded again, while the call waits.
func (t *pendingCall) dropTree() { t.params.DropTree(pendingTreeMax) }

// fillRequest adds input and parameters to the request.
func (t *pendingCall) fillRequest() {
	t.request.Input = t.input
	if t.hasParams {
		t.request.Parameters = t.params.Text()
		t.request.Tree, _ = t.params.Decoded()
	}
}

// newPendingCall returns the pending call of a leased attempt.
func newPendingCall(x *store.Execution, c *interp.Call, now int64) *pendingCall {
	q := task.Request{
		Account: x.Account, Region: x.Region, Flow: x.Flow, Execution: x.Name, State: c.State,
		RoleArn: x.RoleArn, Author: x.Author, FlowV1: x.Language == flow.FlowV1,
		Action: c.Task.Action, Resource: c.Task.Resource, Mode: task.Mode(c.Task.Mode),
		Token: c.Token, Key: c.Key,
	}
	if c.Deadline > 0 {
		q.Timeout = time.Duration(c.Deadline-now) * time.Millisecond
	}
	t := &pendingCall{request: q}
	if c.Params != nil {
		t.params, t.hasParams = *c.Params, true
	}
	if q.FlowV1 {
		t.input = c.Input.Text()
	}
	return t
}

// callCompleted returns the message for a result.
func callCompleted(attempt int64, result task.Result) interp.Message {
	n := interp.Message{Kind: interp.CallCompleted, Attempt: attempt, Async: result.Async}
	if result.Error != nil {
		n.Error = boundedError(result.Error.Name, result.Error.Cause)
		return n
	}
	if len(result.Output) == 0 {
		n.Output = []byte("{}")
		return n
	}
	if result.Tree != nil {
		n.Output, n.Tree = result.Output, result.Tree
		return n
	}
	tree, err := value.Decode(result.Output)
	if err != nil {
		n.Error = &flow.Error{Name: flow.ErrInvalidLocal,
			Cause: fmt.Sprintf("the result is no JSON: %v", err)}
		return n
	}
	n.Output, n.Tree = value.Append(make([]byte, 0, len(result.Output)), tree), tree
	return n
}

// boundedError returns an error with name and cause cut to the limits of reports.
func boundedError(name, cause string) *flow.Error {
	if name == "" {
		name = "FC.Unknown"
	}
	return &flow.Error{
		Name: value.Cut(name, flow.ErrorNameMax), Cause: value.Cut(cause, flow.ErrorCauseMax)}
}
