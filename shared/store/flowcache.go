package store

import (
	"errors"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"millrace/shared/store/driver"
)

// flowCache caches flows of a store that no other process writes to. A nil cache keeps nothing. It
// returns copies, which share only the environment.
type flowCache struct {
	mu     sync.Mutex
	flows  *simplelru.LRU[driver.Key, *Flow]
	writes uint64 // counts writes: put drops a flow whose read began before the last write

	// unknown holds the flows with a write of unknown outcome. That write may take effect after any
	// read, so these flows are not cached.
	unknown  map[driver.Key]struct{}
	disabled bool // unknown was full once: nothing is cached any more
}

func newFlowCache() *flowCache {
	flows, err := simplelru.NewLRU[driver.Key, *Flow](cachedFlowsMax, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	return &flowCache{flows: flows, unknown: map[driver.Key]struct{}{}}
}

// cachedFlowsMax bounds the cached flows, and the number of unknown outcomes beyond which the cache
// is disabled.
const cachedFlowsMax = 10_000

// get returns a cached flow, or nil and the number of writes so far, which the caller passes to
// put.
func (c *flowCache) get(k driver.Key) (f *Flow, writes uint64) {
	if c == nil {
		return nil, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, _ = c.flows.Get(k); f != nil {
		copied := *f
		return &copied, 0
	}
	return nil, c.writes
}

// put caches a flow that was read, unless a write ended meanwhile or may still take effect.
func (c *flowCache) put(k driver.Key, f *Flow, writes uint64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, unknown := c.unknown[k]; unknown || c.writes != writes || c.disabled {
		return
	}
	copied := *f
	c.flows.Add(k, &copied)
}

// invalidate drops a flow that has been written, or may have been; err is what the write returned.
// After a write that succeeds, no earlier write can still take effect, because each has a
// condition: the flow leaves unknown. A conflict does not show that, because the version of the
// rejected write may have been too old.
func (c *flowCache) invalidate(k driver.Key, err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.flows.Remove(k)
	switch {
	case err == nil:
		delete(c.unknown, k)
	case errors.Is(err, ErrConflict) || c.disabled:
	case len(c.unknown) >= cachedFlowsMax:
		c.disabled = true
		c.flows.Purge()
		clear(c.unknown)
	default:
		c.unknown[k] = struct{}{}
	}
}
