package engine

import (
	"context"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"millrace/shared/flow"
	"millrace/shared/store"
)

// machines caches compiled definitions: they are immutable, and many executions share one.
type machines struct {
	r     *Engine
	cache *lru.Cache[string, *flow.Machine] // by flow id and hash
}

// machinesMax bounds the cache.
const machinesMax = 1024

func newMachines(e *Engine) *machines {
	cache, err := lru.New[string, *flow.Machine](machinesMax)
	if err != nil {
		panic(err) // the size is positive
	}
	return &machines{r: e, cache: cache}
}

// get returns the machine of an execution.
func (c *machines) get(ctx context.Context, x *store.Execution) (*flow.Machine, error) {
	mode := flow.Standard
	if x.Express {
		mode = flow.Express
	}
	if x.MapNode > 0 {
		mode = flow.Standard // that of the execution with the MapRun
	}
	m, err := c.lookup(ctx, x.FlowID, x.Hash, mode)
	if err != nil {
		return nil, err
	}
	if m = childMachine(m, x.MapNode); m == nil {
		return nil, errNoMap
	}
	return m, nil
}

// errNoMap says that a definition has no distributed Map where a child execution comes from.
var errNoMap = errors.New("engine: the definition has no such distributed Map")

// childMachine returns the machine of the children of a distributed Map, from its node number plus
// 1; for 0 the machine itself. It returns nil if there is no such Map.
func childMachine(m *flow.Machine, mapNode int) *flow.Machine {
	if mapNode == 0 {
		return m
	}
	return m.Child(mapNode - 1)
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
	if m, ok := c.cache.Get(key); ok {
		return m, nil
	}
	text, err := c.r.Store.Definition(ctx, id, hash)
	if err != nil {
		// Not %w: the error of a missing definition must not look like that of a missing execution.
		return nil, fmt.Errorf("engine: definition %s of flow %s: %v", hash, id, err)
	}
	m, err := c.r.Compile(text, mode)
	if err != nil {
		return nil, fmt.Errorf("engine: definition %s of flow %s: %w", hash, id, err)
	}
	c.cache.Add(key, m)
	return m, nil
}

// Machine returns the machine of an execution, for reading its history.
func (e *Engine) Machine(ctx context.Context, x *store.Execution) (*flow.Machine, error) {
	return e.machines.get(ctx, x)
}

// Dialect returns the dialect of a flow's current definition.
func (e *Engine) Dialect(ctx context.Context, f *store.Flow) (flow.Dialect, error) {
	if f.Dialect != 0 {
		return f.Dialect, nil
	}
	m, err := e.machines.compiled(ctx, f)
	if err != nil {
		return 0, err
	}
	return m.Dialect, nil
}
