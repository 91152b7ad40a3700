package runner

import (
	"container/list"
	"sync"
)

// cells is the table of the executions that somebody works on, and of some that are idle.
type cells struct {
	max      int // idle ones in a shard
	heaviest int // bytes in a shard above which it keeps no idle ones
	shards   [64]cellShard
}

type cellShard struct {
	mu     sync.Mutex
	m      map[string]*cell
	idle   list.List // of *cell: those without a holder, the longest idle first
	weight int       // of the cells in m
}

func newCells(most, bytes int) *cells {
	t := &cells{max: most/64 + 1, heaviest: bytes / 64}
	for i := range t.shards {
		t.shards[i].m = map[string]*cell{}
	}
	return t
}

func (t *cells) shard(partition string) *cellShard {
	h := uint32(2166136261)
	for i := 0; i < len(partition); i++ {
		h = (h ^ uint32(partition[i])) * 16777619
	}
	return &t.shards[h%64]
}

// acquire gives the cell of a partition and keeps it until release.
func (t *cells) acquire(partition string) *cell {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.m[partition]
	if c == nil {
		c = &cell{partition: partition, calls: map[int64]*calling{}}
		s.m[partition] = c
	}
	if c.idle != nil {
		s.idle.Remove(c.idle)
		c.idle = nil
	}
	c.refs++
	return c
}

// peek gives the cell of a partition if there is one.
func (t *cells) peek(partition string) *cell {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[partition]
}

// release lets a cell go. An idle one is kept for a while only if keep says that it stays true.
func (t *cells) release(c *cell, keep bool) {
	s := t.shard(c.partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.refs--
	if c.refs > 0 {
		return
	}
	if !keep {
		s.remove(c)
		return
	}
	s.weigh(c)
	c.idle = s.idle.PushBack(c)
	for s.idle.Len() > t.max || s.weight > t.heaviest && s.idle.Len() > 0 {
		s.remove(s.idle.Remove(s.idle.Front()).(*cell))
	}
}

// weigh notes how much memory a cell takes that nobody holds; s.mu is held.
func (s *cellShard) weigh(c *cell) {
	s.weight -= c.weight
	c.weight = c.bytes()
	s.weight += c.weight
}

// remove takes a cell out of the table; s.mu is held.
func (s *cellShard) remove(c *cell) {
	delete(s.m, c.partition)
	s.weight -= c.weight
	c.weight = 0
}
