package engine

import (
	"context"
	"fmt"
	"sync"

	"millrace/shared/flow"
	"millrace/shared/store"
)

// machines caches compiled definitions: they are immutable, and many executions share one.
type machines struct {
	r  *Engine
	mu sync.RWMutex
	m  map[string]*flow.Machine // by flow id and hash
}

// machinesMax bounds the cache.
const machinesMax = 1024

func newMachines(r *Engine) *machines { return &machines{r: r, m: map[string]*flow.Machine{}} }

// get returns the machine of an execution.
func (c *machines) get(ctx context.Context, x *store.Execution) (*flow.Machine, error) {
	mode := flow.Standard
	if x.Express {
		mode = flow.Express
	}
	return c.lookup(ctx, x.FlowID, x.Hash, mode)
}

// compiled returns the machine of a flow's current definition.
func (c *machines) compiled(ctx context.Context, f *store.Flow) (*flow.Machine, error) {
	mode := f.Mode
	if mode == "" {
		mode = flow.Standard
	}
	return c.lookup(ctx, f.ID, f.Hash, mode)
}

func (c *machines) lookup(ctx context.Context, id, hash, mode string) (*flow.Machine, error) {
	key := id + hash
	c.mu.RLock()
	m := c.m[key]
	c.mu.RUnlock()
	if m != nil {
		return m, nil
	}
	text, err := c.r.Store.Definition(ctx, id, hash)
	if err != nil {
		// Not %w: the error of a missing definition must not look like that of a missing execution.
		return nil, fmt.Errorf("engine: definition %s of flow %s: %v", hash, id, err)
	}
	if m, err = c.r.Compile(text, mode); err != nil {
		return nil, fmt.Errorf("engine: definition %s of flow %s: %w", hash, id, err)
	}
	c.mu.Lock()
	if len(c.m) >= machinesMax {
		clear(c.m)
	}
	c.m[key] = m
	c.mu.Unlock()
	return m, nil
}

// Machine returns the machine of an execution, for reading its history.
func (r *Engine) Machine(ctx context.Context, x *store.Execution) (*flow.Machine, error) {
	return r.machines.get(ctx, x)
}

// Language returns the dialect of a flow's current definition.
func (r *Engine) Language(ctx context.Context, f *store.Flow) (flow.Language, error) {
	if f.Language != 0 {
		return f.Language, nil
	}
	m, err := r.machines.compiled(ctx, f)
	if err != nil {
		return 0, err
	}
	return m.Language, nil
}
