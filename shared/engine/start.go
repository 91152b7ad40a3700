package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"millrace/shared/flow"
	"millrace/shared/share"
	"millrace/shared/store"
)

// Start describes the start of an execution. The caller has checked names, input and flow.
type Start struct {
	Flow          *store.Flow
	Name          string
	Input         []byte // as sent: a JSON object, or empty
	Canonical     []byte // the same, canonical
	Tree          any    // the same, decoded; nil: not decoded
	CallbackToken string
	// CallbackBy is the public id of the key that asked for the report to CallbackToken; "" if the
	// engine did, for a waiting task.
	CallbackBy string
	StartedBy  string // public id of the key whose request this is; "": none
	Qualifier  string
	// Origin identifies the start: a repeat with the same origin is the same start, even if the
	// execution has ended. "" for none.
	Origin string

	Source string // as of store.Execution

	// Of the child of a MapRun: its MapRun, the execution that has it, the node number of the Map
	// plus 1, and its deadline, ms since 1970. It is started even if the account
	// may not have more executions, because its MapRun bounds how many there are.
	MapRun, Parent string
	MapNode        int
	Deadline       int64
}

// pendingStart is a Start in progress.
type pendingStart struct {
	Start
	claim     uint64
	attempted bool
}

// StartExecution claims the name and starts the execution, or returns the execution that has the
// name. created reports which. An execution that has ended is returned, too, with created false:
// the caller must check its status. Of one that has been deleted, what a store.DeletedError has is
// returned.
func (e *Engine) StartExecution(
	ctx context.Context, s Start,
) (x *store.Execution, created bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	partition := store.Partition(s.Flow.ID, s.Name)
	it := &envelope{start: &pendingStart{Start: s, claim: e.Store.Random(partition)}}
	if s.MapRun == "" {
		if !e.quota.Admit(s.Flow.Account) {
			return e.namesake(ctx, &s, ErrExecutionsLimit)
		}
		it.release = func() { e.quota.EndStart(s.Flow.Account) }
	}
	a, err := e.submitAndWait(ctx, partition, it)
	switch left := store.Deleted(err); {
	case left != nil:
		return left, s.Origin != "" && left.Origin == s.Origin, nil
	case errors.Is(err, store.ErrDiskFull):
		return e.namesake(ctx, &s, err)
	case err != nil:
		return nil, false, err
	}
	created = a.created || s.Origin != "" && a.x.Origin == s.Origin
	return a.x, created, nil
}

// namesake returns the execution that has the name of a start that must not start anything. The
// start is rejected only if the name is free, because otherwise it would start nothing anyway
// (docs/api.md#the-same-name-twice).
func (e *Engine) namesake(
	ctx context.Context, s *Start, rejection error,
) (*store.Execution, bool, error) {
	x, err := e.Load(ctx, store.Partition(s.Flow.ID, s.Name))
	if left := store.Deleted(err); left != nil {
		x, err = left, nil
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, rejection
	} else if err != nil {
		return nil, false, err
	}
	return x, s.Origin != "" && x.Origin == s.Origin, nil
}

// claim prepares the first commit of an execution. It returns false if the name is taken; then the
// mailbox has loaded the execution that has it.
func (e *Engine) claim(m *mailbox, it *envelope) (bool, error) {
	st := it.start
	if m.x != nil || st.attempted {
		err := e.load(m)
		if !errors.Is(err, store.ErrNotFound) || store.Deleted(err) != nil {
			return false, err
		}
	}
	st.attempted = true
	var machine *flow.Machine
	dialect, limit := st.Flow.Dialect, st.Flow.TimeoutSeconds
	if dialect == 0 || m.work != nil {
		var err error
		ctx := e.backgroundContext(m.partition)
		if machine, err = e.machines.compiled(ctx, st.Flow); err != nil {
			return false, err
		}
		if machine = childMachine(machine, st.MapNode); machine == nil {
			return false, errNoMap
		}
		dialect, limit = machine.Dialect, machine.TimeoutSeconds
	}
	switch {
	case limit > 0:
	case st.Flow.Mode == flow.Express:
		limit = e.Limits.ExpressSeconds
	default:
		limit = e.Limits.ExecutionSeconds
	}
	x := e.newExecution(&st.Start, dialect, limit)
	x.Express = st.Flow.Mode == flow.Express
	if st.MapNode > 0 {
		x.MapRun, x.Parent, x.MapNode, x.Deadline = st.MapRun, st.Parent, st.MapNode, st.Deadline
	}
	x.ClaimToken, x.Origin = st.claim, st.Origin
	x.Callback, x.CallbackBy, x.StartedBy = st.CallbackToken, st.CallbackBy, st.StartedBy
	x.Source, x.SearchKeys = st.Source, st.searchKeys()
	x.Expires = x.Deadline + e.Retention.Milliseconds()
	s, err := e.decodeState(x)
	if err != nil {
		return false, err
	}
	s.Input.LoadParsed(st.Canonical, st.Tree)
	m.x, m.state, m.machine = x, s, machine
	return true, nil
}

// newExecution returns an execution that starts now and times out after limit seconds.
func (e *Engine) newExecution(s *Start, dialect flow.Dialect, limit int64) *store.Execution {
	now, partition := e.nowMillis(), store.Partition(s.Flow.ID, s.Name)
	x := &store.Execution{
		Account: s.Flow.Account, FlowID: s.Flow.ID, Flow: s.Flow.Name, Name: s.Name,
		Region: e.Region, RoleArn: s.Flow.RoleArn, Run: e.Store.Random(partition),
		Hash: s.Flow.Hash, Qualifier: s.Qualifier, Dialect: dialect,
		Status: flow.Running, Started: now, Deadline: now + limit*1000,
		Input: s.Input, Environment: s.Flow.Environment, ListShard: s.Flow.ListShard(s.Name),
	}
	if x.RoleArn == "" {
		x.Author = s.Flow.Author
	}
	for i := 0; i < len(x.Seed); i += 8 {
		binary.BigEndian.PutUint64(x.Seed[i:], e.Store.Random(partition))
	}
	return x
}

// RunSync runs an Express execution in memory and returns it as it ended.
func (e *Engine) RunSync(ctx context.Context, s Start) (*store.Execution, error) {
	m, err := e.machines.compiled(ctx, s.Flow)
	if err != nil {
		return nil, err
	}
	if !e.addGoroutine() {
		return nil, errClosing
	}
	defer e.goroutines.Done()
	if err := e.Shares.Express.TryAcquire(s.Flow.Account, 1); err != nil {
		return nil, err
	}
	defer e.Shares.Express.Release(s.Flow.Account, 1)
	share.ReleaseTurn(ctx)
	x := e.newExecution(&s, m.Dialect, e.expressLimit(m))
	x.Express = true
	state, err := e.decodeState(x)
	if err != nil {
		return nil, err
	}
	state.Input.LoadParsed(s.Canonical, s.Tree)
	return e.express.Run(ctx, m, x, state)
}

// expressLimit returns the time limit of an Express execution whose caller waits, in seconds.
func (e *Engine) expressLimit(m *flow.Machine) int64 {
	limit := e.Limits.ExpressSeconds
	if m.TimeoutSeconds > 0 {
		limit = min(limit, m.TimeoutSeconds)
	}
	if syncMax := int64(e.SyncTimeMax / time.Second); syncMax > 0 {
		limit = min(limit, syncMax)
	}
	return limit
}
