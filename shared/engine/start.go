package engine

import (
	"context"
	"encoding/binary"
	"errors"

	"millrace/shared/fault"
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
	Qualifier  string
	// Origin identifies the start: a repeat with the same origin is the same start, even if the
	// execution has ended. "" for none.
	Origin string
}

// pendingStart is a Start in progress.
type pendingStart struct {
	Start
	claim     uint64
	attempted bool
}

// StartExecution claims the name and starts the execution, or returns the execution that has the
// name. created reports which. An execution that has ended is returned, too, with created false:
// the caller must check its status.
func (r *Engine) StartExecution(
	ctx context.Context, s Start,
) (x *store.Execution, created bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	partition := store.Partition(s.Flow.ID, s.Name)
	it := &envelope{start: &pendingStart{Start: s, claim: r.Store.Random(partition)}}
	if limit := int64(r.Limits.Executions); limit > 0 && r.Exclusive {
		if !r.quota.admit(s.Flow.Account, limit) {
			return r.namesake(ctx, &s, throttled())
		}
		it.release = func() { r.quota.endStart(s.Flow.Account) }
	}
	a, err := r.submitAndWait(ctx, partition, it)
	if errors.Is(err, store.ErrDiskFull) {
		return r.namesake(ctx, &s, err)
	} else if err != nil {
		return nil, false, err
	}
	created = a.created || s.Origin != "" && a.x.Origin == s.Origin
	return a.x, created, nil
}

func throttled() error {
	return fault.New(fault.ResourceThrottled, "The request is throttled. Please try again later.")
}

// namesake returns the execution that has the name of a start that must not start anything. The
// start is rejected only if the name is free, because otherwise it would start nothing anyway
// (api.md 5.1).
func (r *Engine) namesake(
	ctx context.Context, s *Start, rejection error,
) (*store.Execution, bool, error) {
	x, err := r.Load(ctx, store.Partition(s.Flow.ID, s.Name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, rejection
	} else if err != nil {
		return nil, false, err
	}
	return x, s.Origin != "" && x.Origin == s.Origin, nil
}

// claim prepares the first commit of an execution. It returns false if the name is taken; then the
// mailbox has loaded the execution that has it.
func (r *Engine) claim(c *mailbox, it *envelope) (bool, error) {
	st := it.start
	if c.x != nil || st.attempted {
		err := r.load(c)
		if !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
	}
	st.attempted = true
	var m *flow.Machine
	lang, limit := st.Flow.Language, st.Flow.TimeoutSeconds
	if lang == 0 || r.isExecutor(c) {
		var err error
		if m, err = r.machines.compiled(r.backgroundContext(c.partition), st.Flow); err != nil {
			return false, err
		}
		lang, limit = m.Language, m.TimeoutSeconds
	}
	switch {
	case limit > 0:
	case st.Flow.Mode == flow.Express:
		limit = r.Limits.ExpressSeconds
	default:
		limit = r.Limits.ExecutionSeconds
	}
	x := r.newExecution(&st.Start, lang, limit)
	x.Express = st.Flow.Mode == flow.Express
	x.ClaimToken, x.Origin = st.claim, st.Origin
	x.Callback, x.CallbackBy = st.CallbackToken, st.CallbackBy
	x.Expires = x.Deadline + r.Retention.Milliseconds()
	s, err := r.decodeState(x)
	if err != nil {
		return false, err
	}
	s.Input.LoadParsed(st.Canonical, st.Tree)
	c.x, c.state, c.machine = x, s, m
	return true, nil
}

// newExecution returns an execution that starts now and times out after limit seconds.
func (r *Engine) newExecution(s *Start, lang flow.Language, limit int64) *store.Execution {
	now, partition := r.nowMillis(), store.Partition(s.Flow.ID, s.Name)
	x := &store.Execution{
		Account: s.Flow.Account, FlowID: s.Flow.ID, Flow: s.Flow.Name, Name: s.Name,
		Region: r.Region, RoleArn: s.Flow.RoleArn, Run: r.Store.Random(partition),
		Hash: s.Flow.Hash, Qualifier: s.Qualifier, Language: lang,
		Status: flow.Running, Started: now, Deadline: now + limit*1000,
		Input: s.Input, Environment: s.Flow.Environment,
	}
	if x.RoleArn == "" {
		x.Author = s.Flow.Author
	}
	for i := 0; i < len(x.Seed); i += 8 {
		binary.BigEndian.PutUint64(x.Seed[i:], r.Store.Random(partition))
	}
	return x
}

// RunSync runs an Express execution in memory and returns it as it ended.
func (r *Engine) RunSync(ctx context.Context, s Start) (*store.Execution, error) {
	m, err := r.machines.compiled(ctx, s.Flow)
	if err != nil {
		return nil, err
	}
	if !r.addGoroutine() {
		return nil, errClosing
	}
	defer r.goroutines.Done()
	if err := r.Shares.Express.TryAcquire(s.Flow.Account, 1); err != nil {
		return nil, err
	}
	defer r.Shares.Express.Release(s.Flow.Account, 1)
	share.ReleaseTurn(ctx)
	return newSync(r, m, s).run(ctx)
}

// errClosing says that the engine starts nothing new.
var errClosing = errors.New("engine: closing")
