package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/task"
)

// errChildName says that another execution has the name of a child. No caller can know that name
// before the MapRun has started, so a caller has started that execution on purpose.
var errChildName = errors.New("another execution has the name of the child execution")

// mapChild is the child execution of a MapRun that an attempt starts or runs.
type mapChild struct {
	interp.MapChild
	parent *store.Execution // without body
	node   int              // of the Map
	input  []byte
	token  string // of the attempt, for a child that reports its end
	key    string // idempotency key of the attempt
}

// newMapChild returns the child of a leased attempt.
func newMapChild(x *store.Execution, call *interp.Call) *mapChild {
	return &mapChild{MapChild: *call.Child, parent: clone(x), node: call.Node,
		input: call.Params.Text(), token: call.Token, key: call.Key}
}

// childBackoff is the pause before a child that could not be started is started again. Nothing else
// would repeat it: a Map has no retry for one item.
var childBackoff = backoff.Policy{Min: 100 * time.Millisecond, Max: 10 * time.Second}

// expressTriesMax is how often an Express child is run again that could not be run to its end: its
// definition could not be read, or the interpreter broke.
const expressTriesMax = 4

// runMapChild starts a child execution, or runs it if it is an Express execution. A repeated call
// starts nothing twice; a child that is run again makes calls with the same idempotency keys.
func (e *Engine) runMapChild(ctx context.Context, c *mapChild) task.Result {
	run := e.startMapChild
	if c.Express {
		run = e.runExpressChild
	}
	for tries := 0; ; tries++ {
		result, err := run(ctx, c)
		switch {
		case err == nil || ctx.Err() != nil:
			return result
		case c.Express && tries >= expressTriesMax:
			return task.Fail("FnF.InternalError", "the engine broke while it ran the execution")
		case errors.Is(err, errChildName):
			return task.Fail("FNF.ExecutionAlreadyExists", err.Error())
		case errors.Is(err, ErrNoFlow):
			return task.Fail("FNF.FlowNotExists", "the flow has been deleted")
		}
		if !backoff.Wait(ctx, childBackoff.After(tries)) { // the engine closes: no fault of the child
			return task.Result{}
		}
		e.Log.Warn("child execution is started again", "maprun", c.MapRun, "err", err)
	}
}

// startMapChild starts a child execution that reports its end to its parent.
func (e *Engine) startMapChild(ctx context.Context, c *mapChild) (task.Result, error) {
	f, err := e.Store.GetFlow(ctx, c.parent.Account, c.parent.Flow)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && f.ID != c.parent.FlowID:
		return task.Result{}, ErrNoFlow
	case err != nil:
		return task.Result{}, err
	}
	x, created, err := e.StartExecution(ctx, Start{
		Flow: c.flow(f), Name: c.Name, Input: c.input, Canonical: c.input,
		CallbackToken: c.token, Qualifier: c.parent.Qualifier, Origin: TaskOrigin(c.key),
		MapRun: c.MapRun, Parent: c.parent.Name, MapNode: c.node + 1, Deadline: c.deadline(),
		Source: store.SourceExecution + c.parent.Flow + "/" + c.parent.Name,
	})
	if err == nil && !created {
		err = fmt.Errorf("%w: %s", errChildName, x.Name)
	}
	return task.Result{}, err
}

// deadline returns the deadline of the child. The parent ends a little earlier and stops it, so
// that the parent ends by its own time limit and not by the failure of a child.
func (c *mapChild) deadline() int64 { return c.parent.Deadline + interp.LeaseMargin }

// flow returns the flow as the claim of the parent has fixed it. row is what its row says now.
func (c *mapChild) flow(row *store.Flow) *store.Flow {
	f := *row
	f.Hash, f.Dialect, f.Mode = c.parent.Hash, c.parent.Dialect, flow.Standard
	f.RoleArn, f.Author, f.Environment = c.parent.RoleArn, c.parent.Author, c.parent.Environment
	return &f
}

// runExpressChild runs an Express child execution in memory and returns its end. Nothing is stored
// of it but its result.
func (e *Engine) runExpressChild(ctx context.Context, c *mapChild) (task.Result, error) {
	m, err := e.machines.get(ctx, c.parent)
	if err != nil {
		return task.Result{}, err
	}
	p, now := c.parent, e.nowMillis()
	x := &store.Execution{
		Account: p.Account, FlowID: p.FlowID, Flow: p.Flow, Name: c.Name, Region: p.Region,
		RoleArn: p.RoleArn, Author: p.Author, Hash: p.Hash, Qualifier: p.Qualifier,
		Dialect: p.Dialect, Environment: p.Environment, Origin: TaskOrigin(c.key),
		MapRun: c.MapRun, Parent: p.Name, MapNode: c.node + 1, Express: true,
		Status: flow.Running, Started: now, Input: c.input,
		Deadline: min(c.deadline(), now+e.Limits.ExpressSeconds*1000),
	}
	x.Run, x.Seed = interp.ChildSeed(p.Seed, c.key)
	state, err := e.decodeState(x)
	if err != nil {
		return task.Result{}, err
	}
	state.Input.LoadParsed(c.input, nil)
	if x, err = e.express.Run(ctx, m.Child(c.node), x, state); err != nil {
		return task.Result{}, err
	}
	if x.Status != flow.Succeeded {
		return task.Result{Error: withName(x.Error)}, nil
	}
	return task.Result{Output: x.Output.Text(), Tree: x.Output.Tree()}, nil
}

// withName returns the error of an execution that has failed, with a name if it has none.
func withName(err *flow.Error) *flow.Error {
	if err != nil && err.Name != "" {
		return err
	}
	named := flow.Error{Name: flow.ErrExecutionFailed}
	if err != nil {
		named.Cause = err.Cause
	}
	return &named
}
