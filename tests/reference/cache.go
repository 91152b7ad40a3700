package reference

import "sync"

// cache maps texts to the values built from them. It empties itself when it has grown too large.
type cache[V any] struct {
	mu   sync.Mutex
	made map[string]V
	make func(string) V
}

const cacheMax = 10_000

func newCache[V any](make func(string) V) *cache[V] { return &cache[V]{make: make} }

func (c *cache[V]) get(text string) V {
	c.mu.Lock()
	v, ok := c.made[text]
	c.mu.Unlock()
	if ok {
		return v
	}
	v = c.make(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil || len(c.made) > cacheMax {
		c.made = map[string]V{}
	}
	c.made[text] = v
	return v
}
