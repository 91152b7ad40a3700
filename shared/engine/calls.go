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

// call makes a call that the committed state gives to this process, and brings its answer back. One that must not be
// made any more, or whose result nobody would wait for, is left: its lease is over at the next look.
func (r *Engine) call(c *mailbox, call *interp.Call) {
	now := r.nowMillis()
	account := c.x.Account
	_, flying := c.calls[call.Attempt] // its lease was over, and this process has taken it again
	if flying || now > call.Until || !r.addGoroutine() {
		r.line.Release(account, 1)
		return
	}
	most := r.callTimeMax(c)
	ctx, cancel := r.callContext(call, now, most)
	current := &inFlightCall{cancel: cancel}
	current.until.Store(call.Until)
	c.calls[call.Attempt] = current
	on := c.activeSession
	if on != nil {
		on.add()
	}
	held := r.mailboxes.acquire(c.partition)
	t := newPendingCall(c.x, call, now)
	if r.line != nil && !r.Exclusive {
		t.lease = current
	}
	attempt := call.Attempt
	r.callWorkers.run(func() {
		defer r.goroutines.Done()
		if on != nil {
			defer on.done()
		}
		renewing := r.renew(held.partition, attempt)
		result := r.runTask(ctx, t)
		r.line.Release(account, 1)
		renewing()
		timedOut := ctx.Err() == context.DeadlineExceeded
		cutOff := timedOut && context.Cause(ctx) == errTooLong
		cut := ctx.Err() != nil
		cancel()
		release := releaseOf(&result)
		if cut {
			release() // the result is dropped
		}
		switch {
		case cutOff:
			r.submit(held.partition, &envelope{message: callTooLong(attempt, most), done: func(reply) { r.mailboxes.release(held, r.Exclusive) }})
		case timedOut:
			// The interpreter closes the attempt by its deadline.
			r.submit(held.partition, nil)
			r.mailboxes.release(held, r.Exclusive)
		case cut && r.draining(), t.leaseLost:
			news := interp.Message{Kind: interp.CallReturned, Attempt: attempt, Owner: r.owner}
			r.submit(held.partition, &envelope{message: news, done: func(reply) { r.mailboxes.release(held, r.Exclusive) }})
		case cut:
			r.mailboxes.release(held, r.Exclusive)
		default:
			news := callCompleted(attempt, result)
			r.submit(held.partition, &envelope{message: news, done: func(reply) {
				release()
				r.mailboxes.release(held, r.Exclusive)
			}})
		}
	})
}

// inFlightCall is a call in flight, or in line for that.
type inFlightCall struct {
	cancel context.CancelFunc
	until  atomic.Int64 // the end of its lease, as this process has committed it last, ms since 1970
}

// releaseOf returns the function that gives back the bytes of a result; it is never nil.
func releaseOf(result *task.Result) func() {
	if result.Release == nil {
		return func() {}
	}
	return result.Release
}

// errTooLong is the cause of the end of a call that took longer than any call may.
var errTooLong = errors.New("engine: the call took too long")

// callContext ends with the attempt's deadline, with the longest time of a call (0: none), or when the runner cuts it.
func (r *Engine) callContext(call *interp.Call, now int64, most time.Duration) (context.Context, context.CancelFunc) {
	if most > 0 && (call.Deadline == 0 || call.Deadline-now > most.Milliseconds()) {
		return context.WithTimeoutCause(r.callCtx, most, errTooLong)
	}
	if call.Deadline > 0 {
		return context.WithTimeout(r.callCtx, time.Duration(call.Deadline-now)*time.Millisecond)
	}
	return context.WithCancel(r.callCtx)
}

// renew looks at the execution while a call is in flight, often enough for its lease not to run out, and returns what
// ends that. An exclusive runner need not: nobody else would take the call. The goroutine of the call, which is one of
// the runner's, is the caller.
func (r *Engine) renew(partition string, attempt int64) (stop func()) {
	if r.Exclusive || r.CallTimeMax > 0 {
		return func() {}
	}
	over := make(chan struct{})
	r.goroutines.Add(1)
	go func() {
		defer r.goroutines.Done()
		// Calls that have begun together do not all look together. None looks before half of the lease is over, for
		// that look would leave the lease as it is.
		apart := time.Duration(attempt%1024) * time.Microsecond
		t := time.NewTicker(max(r.LeaseMax/2, time.Millisecond) + apart)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				select {
				case <-over: // a tick that came while this goroutine was at work elsewhere
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

// runTask runs the task when the account may have one more call in flight, with the rights that
// its flow has then; a panic in it is a failed task, not the end of the process.
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

// pendingCall is a call that was taken and has not begun. Its request is made as a whole when there is
// room for the call.
type pendingCall struct {
	request   task.Request // without parameters and input
	params    flow.Value   // a copy: the execution goes on meanwhile, and drops trees
	hasParams bool         // there are params
	input     []byte
	lease     *inFlightCall // to be looked at when its turn has come; nil: there is none that may be lost
	leaseLost bool          // its lease was over when its turn came: another process may have taken it
}

// pendingTreeMax is up to how many bytes of text parameters keep their tree in line. A tree takes many
// times the bytes of its text.
const pendingTreeMax = 4 << 10

// dropTree drops what can be made again: the call waits.
func (t *pendingCall) dropTree() { t.params.DropTree(pendingTreeMax) }

// fillRequest gives the request its input and parameters, as the task runners see it.
func (t *pendingCall) fillRequest() {
	t.request.Input = t.input
	if t.hasParams {
		t.request.Parameters = t.params.Text()
		t.request.Tree, _ = t.params.Decoded()
	}
}

// newPendingCall returns a call that has been taken.
func newPendingCall(x *store.Execution, c *interp.Call, now int64) *pendingCall {
	q := task.Request{Account: x.Account, Region: x.Region, Flow: x.Flow, Execution: x.Name, State: c.State, RoleArn: x.RoleArn, Author: x.Author,
		FlowV1: x.Language == flow.FlowV1, Action: c.Task.Action, Resource: c.Task.Resource, Mode: task.Mode(c.Task.Mode),
		Token: c.Token, Key: c.Key}
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

// callCompleted makes news of a result.
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
		n.Error = &flow.Error{Name: flow.ErrInvalidLocal, Cause: fmt.Sprintf("the result is no JSON: %v", err)}
		return n
	}
	n.Output, n.Tree = value.Append(make([]byte, 0, len(result.Output)), tree), tree
	return n
}

// boundedError is an error within the limits of what may be reported.
func boundedError(name, cause string) *flow.Error {
	if name == "" {
		name = "FC.Unknown"
	}
	return &flow.Error{Name: value.Cut(name, flow.ErrorNameMax), Cause: value.Cut(cause, flow.ErrorCauseMax)}
}
