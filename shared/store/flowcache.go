package store

import "sync"

// flowCache keeps flows of a store that no other process writes to. A nil cache keeps nothing. What it gives is a copy,
// of which only the environment is shared.
type flowCache struct {
	mu     sync.RWMutex
	m      map[Key]*Flow
	writes uint64 // a read that began before a write must not be kept
}

// flowsMax bounds the cache.
const flowsMax = 10_000

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

// put keeps a flow that was read, unless something was written meanwhile.
func (c *flowCache) put(k Key, f *Flow, writes uint64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes != writes {
		return
	}
	if len(c.m) >= flowsMax {
		clear(c.m)
	}
	copied := *f
	c.m[k] = &copied
}

// forget drops a flow that has been written, or may have been.
func (c *flowCache) forget(k Key) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	delete(c.m, k)
}
