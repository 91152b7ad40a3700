// Package dispatch makes the calls of tasks: in goroutines that are used again, within the
// account's share of calls, with the rights that the flow has when the call begins.
package dispatch

import (
	"context"
	"log/slog"
	"time"

	"millrace/shared/access"
	"millrace/shared/flow"
	"millrace/shared/share"
	"millrace/shared/task"
)

// Dispatcher makes calls. It is safe for many goroutines.
type Dispatcher struct {
	Tasks task.Runner
	Items task.Runner // reads items of MapRuns and writes their results; nil: not possible
	// Rights returns what a flow may do now. The call fails with the text of an error as its cause.
	// nil: every flow may do everything.
	Rights func(account, role, author string) (access.May, error)
	Calls  *share.Pool // calls in flight; nil: no bound
	Now    func() time.Time
	Log    *slog.Logger
}

// Run waits until the account may have one more call in flight, then runs the task with the rights
// that its flow has by then. leaseLost says that the lease of the call was over by then: it was not
// made, because another process may have leased its attempt. A panic in the task fails the task,
// not the process.
func (d *Dispatcher) Run(ctx context.Context, c *Call) (result task.Result, leaseLost bool) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("task panicked", "action", c.request.Action, "panic", p)
			result = task.Fail("FC.Unknown", "the call broke inside the engine")
		}
	}()
	if d.acquire(ctx, c) != nil {
		return task.Result{}, false
	}
	defer d.Calls.Release(c.request.Account, 1)
	if c.Lease != nil && c.Lease.over(d.Now()) {
		return task.Result{}, true
	}
	c.fillRequest()
	if d.Rights != nil {
		may, err := d.Rights(c.request.Account, c.request.RoleArn, c.request.Author)
		if err != nil {
			return c.request.DeniedResult(err.Error()), false
		}
		c.request.May = may
	}
	switch {
	case !c.items:
		return d.Tasks.Run(ctx, c.request), false
	case d.Items == nil:
		return task.Fail(flow.ErrItemReader, "this engine reads no objects"), false
	}
	return d.Items.Run(ctx, c.request), false
}

// acquire waits until the account may have one more call in flight. The time in line counts towards
// the task's timeout. An error says that the call must not begin: its time is over, or the engine
// closes.
func (d *Dispatcher) acquire(ctx context.Context, c *Call) error {
	account := c.request.Account
	if d.Calls.AcquireNow(account, 1) {
		return nil
	}
	c.dropTree()
	return d.Calls.Acquire(ctx, account, 1)
}
