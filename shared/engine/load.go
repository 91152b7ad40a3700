package engine

import (
	"context"
	"errors"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// load reads the execution, unless the mailbox has a current copy.
func (r *Engine) load(c *mailbox) error {
	if c.x != nil && c.x.Expires > 0 && c.x.Expires <= r.nowMillis() {
		c.invalidate()
	}
	if c.x != nil {
		return nil
	}
	x, in, err := r.read(c)
	if err != nil {
		return err
	}
	s, err := r.decodeState(x)
	if err != nil {
		return err
	}
	c.x, c.state, c.inbox = x, s, in
	c.commitsSince, c.commits = r.nowMillis(), 0
	if !x.Status.Final() {
		c.wasRunning = true
	}
	return nil
}

// read reads the execution, together with its inbox if other processes may have written to it:
// reading one range costs as much as reading the row alone. An exclusive engine knows when the
// inbox has entries, and an acceptor leaves them to the executors.
func (r *Engine) read(c *mailbox) (x *store.Execution, in store.Inbox, err error) {
	if r.Exclusive || !r.isExecutor(c) {
		x, err = r.Store.Load(r.ctx, c.partition)
		return x, in, err
	}
	return r.Store.LoadWithInbox(r.ctx, c.partition)
}

// decodeState returns the interpreter's state for a state row.
func (r *Engine) decodeState(x *store.Execution) (*interp.State, error) {
	input := flow.StoredValue(flow.Ref{Kind: flow.RefClaim})
	s := interp.New(interp.Facts{
		Account: x.Account, Region: x.Region, FlowID: x.FlowID, Flow: x.Flow, Name: x.Name,
		RoleArn: x.RoleArn, Run: x.Run, Seed: x.Seed, Language: x.Language,
		Started: x.Started, Deadline: x.Deadline, CallbackToken: x.Callback,
		Express: x.Express, Input: input, BlockSize: r.BlockSize,
	})
	s.Status, s.Stopped, s.Output, s.Error = x.Status, x.Stopped, x.Output, x.Error
	s.LastEvent, s.LastTime = x.LastEvent, x.LastTime
	if x.Body == nil {
		return s, nil
	}
	return s, s.DecodeBody(x.Body)
}

// clone returns a copy without body that callers may read while the loop goes on.
func clone(x *store.Execution) *store.Execution {
	y := *x
	y.Body = nil
	if x.Output != nil && !x.Output.Loaded() {
		y.Output = flow.StoredValue(x.Output.Ref())
	}
	if x.InputRef != nil && !x.InputRef.Loaded() {
		y.InputRef = flow.StoredValue(x.InputRef.Ref())
	}
	return &y
}

// view returns x itself if nothing in it would be loaded later, otherwise a clone.
func view(x *store.Execution) *store.Execution {
	if x.Output != nil && !x.Output.Loaded() || x.InputRef != nil && !x.InputRef.Loaded() {
		return clone(x)
	}
	return x
}

// errGone says that the execution does not exist, or does not exist any more.
var errGone = errors.New("engine: no such execution")

// Load reads an execution without its body. The result is durable and was current when it was read.
// Other callers may share it: it must not be changed.
func (r *Engine) Load(ctx context.Context, partition string) (*store.Execution, error) {
	if r.Exclusive {
		if c := r.mailboxes.peek(partition); c != nil {
			if x := c.snapshot.Load(); x != nil && (x.Expires == 0 || x.Expires > r.nowMillis()) {
				return view(x), nil
			}
		}
	}
	return r.Store.Load(ctx, partition)
}

// IsGone reports whether an error means that the execution does not exist.
func IsGone(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, store.ErrNotFound)
}

// notFound returns the fault for an error of reading an execution.
func notFound(err error, flowName, name string) error {
	if errors.Is(err, errGone) || errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.ExecutionNotExists,
			"Execution '%s' for flow '%s' does not exist.", name, flowName)
	}
	return fault.Internal(err)
}
