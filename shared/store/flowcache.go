package store

import (
	"errors"
	"sync"
)

// flowCache keeps flows of a store that no other process writes to. A nil cache keeps nothing. What it gives is a copy,
// of which only the environment is shared.
type flowCache struct {
	mu     sync.RWMutex
	m      map[Key]*Flow
	writes uint64 // a read that began before a write must not be kept

	// unknown holds the flows of which a write has an unknown outcome: it may take effect after any
	// read, so they are not kept.
	unknown  map[Key]struct{}
	disabled bool // there have been more: nothing is kept any more
}

func newFlowCache() *flowCache {
	return &flowCache{m: map[Key]*Flow{}, unknown: map[Key]struct{}{}}
}

// cachedFlowsMax bounds the cache, and the unknown outcomes with which it keeps anything.
const cachedFlowsMax = 10_000

// get gives a flow, or nil and the count of writes so far, to be handed to put.
func (c *flowCache) get(k Key) (f *Flow, writes uint64) {
	if c == nil {
		return nil, 0
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if f = c.m[k]; f != nil {
		copied := *f
		return &copied, 0
	}
	return nil, c.writes
}

// put keeps a flow that was read, unless something was written meanwhile or may be later.
func (c *flowCache) put(k Key, f *Flow, writes uint64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, unknown := c.unknown[k]; unknown || c.writes != writes || c.disabled {
		return
	}
	if len(c.m) >= cachedFlowsMax {
		clear(c.m)
	}
	copied := *f
	c.m[k] = &copied
}

// invalidate drops a flow that has been written, or may have been; err is what the write returned. A write
// that succeeds leaves no earlier one that can still take effect, because each has a condition: it
// ends what is unknown. A conflict does not, for its own version may have been too old.
func (c *flowCache) invalidate(k Key, err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	delete(c.m, k)
	switch {
	case err == nil:
		delete(c.unknown, k)
	case errors.Is(err, ErrConflict) || c.disabled:
	case len(c.unknown) >= cachedFlowsMax:
		c.disabled = true
		clear(c.m)
		clear(c.unknown)
	default:
		c.unknown[k] = struct{}{}
	}
}
