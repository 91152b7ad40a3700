package store

import (
	"errors"
	"sync"
)

// flowCache caches flows of a store that no other process writes to. A nil cache keeps nothing. It
// returns copies, which share only the environment.
type flowCache struct {
	mu     sync.RWMutex
	m      map[Key]*Flow
	writes uint64 // counts writes: put drops a flow whose read began before the last write

	// unknown holds the flows with a write of unknown outcome. That write may take effect after any
	// read, so these flows are not cached.
	unknown  map[Key]struct{}
	disabled bool // unknown was full once: nothing is cached any more
}

func newFlowCache() *flowCache {
	return &flowCache{m: map[Key]*Flow{}, unknown: map[Key]struct{}{}}
}

// cachedFlowsMax bounds the cached flows, and the number of unknown outcomes beyond which the cache
// is disabled.
const cachedFlowsMax = 10_000

// get returns a cached flow, or nil and the number of writes so far, which the caller passes to
// put.
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

// put caches a flow that was read, unless a write ended meanwhile or may still take effect.
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

// invalidate drops a flow that has been written, or may have been; err is what the write returned.
// After a write that succeeds, no earlier write can still take effect, because each has a
// condition: the flow leaves unknown. A conflict does not show that, because the version of the
// rejected write may have been too old.
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
