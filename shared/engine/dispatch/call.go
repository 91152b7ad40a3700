package dispatch

import (
	"sync/atomic"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/task"
)

// Call is a call that is leased and has not begun. Its request is completed only when the call may
// begin.
type Call struct {
	Lease *Lease // nil: it cannot be lost

	request   task.Request // without parameters and input
	params    flow.Value   // a copy: the execution goes on and may drop trees
	hasParams bool
	input     []byte
	items     bool // it reads items of a MapRun, or writes results
}

// pendingTreeMax is the text size in bytes up to which parameters keep their tree in line. A tree
// takes many times the bytes of its text.
const pendingTreeMax = 4 << 10

// dropTree drops the tree of large parameters, which can be decoded again, while the call waits.
func (c *Call) dropTree() { c.params.DropTree(pendingTreeMax) }

// fillRequest adds input and parameters to the request.
func (c *Call) fillRequest() {
	c.request.Input = c.input
	if c.hasParams {
		c.request.Parameters = c.params.Text()
		c.request.Tree, _ = c.params.Decoded()
	}
}

// Timeout returns how long the call may take, from the time that NewCall was given. 0: no bound.
func (c *Call) Timeout() time.Duration { return c.request.Timeout }

// NewCall returns the call of a leased attempt at the time now, in ms since 1970.
func NewCall(x *store.Execution, leased *interp.Call, now int64) *Call {
	q := task.Request{
		Account: x.Account, Region: x.Region, Flow: x.Flow, Execution: x.Name, State: leased.State,
		RoleArn: x.RoleArn, Author: x.Author, Dialect: x.Dialect,
		Token: leased.Token, Key: leased.Key,
	}
	if t := leased.Task; t != nil {
		q.Action, q.Resource, q.Mode = t.Action, t.Resource, t.Mode
	}
	if leased.Deadline > 0 {
		q.Timeout = time.Duration(leased.Deadline-now) * time.Millisecond
	}
	c := &Call{request: q, items: leased.ReadsItems || leased.WritesResults}
	if leased.Params != nil {
		c.params, c.hasParams = *leased.Params, true
	}
	if q.TakesInput() {
		c.input = leased.Input.Text()
	}
	return c
}

// Lease is the end of a call's lease, as the process has last committed it. It moves while the call
// waits in line.
type Lease struct{ until atomic.Int64 }

// Extend sets the end of the lease, in ms since 1970.
func (l *Lease) Extend(until int64) { l.until.Store(until) }

func (l *Lease) over(now time.Time) bool { return now.UnixMilli() > l.until.Load() }
