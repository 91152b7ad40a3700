package engine

import (
	"context"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// load reads the execution, unless the mailbox has a current copy.
func (e *Engine) load(m *mailbox) error {
	if m.x != nil && m.x.Expires > 0 && m.x.Expires <= e.nowMillis() {
		m.invalidate()
	}
	if m.x != nil {
		return nil
	}
	x, in, err := e.read(m)
	if err != nil {
		return err
	}
	s, err := e.decodeState(x)
	if err != nil {
		return err
	}
	m.x, m.state, m.inbox = x, s, in
	m.commitsSince, m.commits = e.nowMillis(), 0
	if !x.Status.Final() {
		m.wasRunning = true
	}
	return nil
}

// read reads the execution, together with its inbox if other processes may have written to it:
// reading one range costs as much as reading the row alone. An engine that owns its
// store knows when the inbox has entries, and an acceptor leaves them to the executors.
func (e *Engine) read(m *mailbox) (x *store.Execution, in store.Inbox, err error) {
	if e.ownsStore() || m.work == nil {
		x, err = e.Store.Load(e.ctx, m.partition)
		return x, in, err
	}
	return e.Store.LoadWithInbox(e.ctx, m.partition)
}

// decodeState returns the interpreter's state for a state row.
func (e *Engine) decodeState(x *store.Execution) (*interp.State, error) {
	input := flow.StoredValue(flow.Ref{Kind: flow.RefClaim})
	s := interp.New(interp.Facts{
		Account: x.Account, Region: x.Region, FlowID: x.FlowID, Flow: x.Flow, Name: x.Name,
		RoleArn: x.RoleArn, Run: x.Run, Seed: x.Seed, Dialect: x.Dialect,
		Started: x.Started, Deadline: x.Deadline, TimeLimit: x.TimeLimit(),
		CallbackToken: x.Callback,
		Express:       x.Express, Child: x.MapNode > 0, Input: input, BlockSize: e.BlockSize,
	})
	s.Status, s.Stopped, s.Output, s.Error = x.Status, x.Stopped, x.Output, x.Error
	s.LastEvent, s.LastTime = x.LastEvent, x.LastTime
	s.Redrives, s.Redriven, s.RedriveMark = x.Redrive, x.Redriven, x.RedriveMark
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

// Load reads an execution without its body. The result is durable and was current when it was read.
// Other callers may share it: it must not be changed.
func (e *Engine) Load(ctx context.Context, partition string) (*store.Execution, error) {
	if e.ownsStore() {
		if m := e.mailboxes.peek(partition); m != nil {
			if x := m.snapshot.Load(); x != nil && (x.Expires == 0 || x.Expires > e.nowMillis()) {
				return view(x), nil
			}
		}
	}
	return e.Store.Load(ctx, partition)
}
