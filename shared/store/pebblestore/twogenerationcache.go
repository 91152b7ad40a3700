package pebblestore

// twoGenerationCache is a bounded cache of two halves. When the young half is full, the old half is
// dropped and the young one takes its place. An entry survives if it was used meanwhile.
type twoGenerationCache[K comparable, V any] struct {
	young, old map[K]V
	half       int
}

func newTwoGenerationCache[K comparable, V any](size int) twoGenerationCache[K, V] {
	return twoGenerationCache[K, V]{young: make(map[K]V), old: make(map[K]V), half: max(size/2, 1)}
}

// peek returns a value without marking it as used.
func (g *twoGenerationCache[K, V]) peek(k K) (V, bool) {
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	return v, ok
}

func (g *twoGenerationCache[K, V]) get(k K) (V, bool) {
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	if ok {
		g.set(k, v)
	}
	return v, ok
}

func (g *twoGenerationCache[K, V]) set(k K, v V) {
	if len(g.young) >= g.half {
		clear(g.old)
		g.young, g.old = g.old, g.young
	}
	g.young[k] = v
}

func (g *twoGenerationCache[K, V]) remove(k K) {
	delete(g.young, k)
	delete(g.old, k)
}
