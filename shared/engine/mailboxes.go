package engine

import (
	"container/list"
	"sync"
)

// mailboxes is the table of the executions that somebody works on, and of some that are idle.
type mailboxes struct {
	max      int // idle ones in a shard
	bytesMax int // bytes in a shard above which it keeps no idle ones
	shards   [64]mailboxShard
}

type mailboxShard struct {
	mu   sync.Mutex
	m    map[string]*mailbox
	idle list.List // of *cell: those without a holder, the longest idle first
	size int       // of the cells in m
}

func newMailboxes(most, bytes int) *mailboxes {
	t := &mailboxes{max: most/64 + 1, bytesMax: bytes / 64}
	for i := range t.shards {
		t.shards[i].m = map[string]*mailbox{}
	}
	return t
}

func (t *mailboxes) shard(partition string) *mailboxShard {
	h := uint32(2166136261)
	for i := 0; i < len(partition); i++ {
		h = (h ^ uint32(partition[i])) * 16777619
	}
	return &t.shards[h%64]
}

// acquire gives the cell of a partition and keeps it until release.
func (t *mailboxes) acquire(partition string) *mailbox {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.m[partition]
	if c == nil {
		c = &mailbox{partition: partition, calls: map[int64]*inFlightCall{}}
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
func (t *mailboxes) peek(partition string) *mailbox {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[partition]
}

// release lets a cell go. An idle one is kept for a while only if keep says that it stays true.
func (t *mailboxes) release(c *mailbox, keep bool) {
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
	s.updateSize(c)
	c.idle = s.idle.PushBack(c)
	for s.idle.Len() > t.max || s.size > t.bytesMax && s.idle.Len() > 0 {
		s.remove(s.idle.Remove(s.idle.Front()).(*mailbox))
	}
}

// updateSize notes how much memory a cell takes that nobody holds; s.mu is held.
func (s *mailboxShard) updateSize(c *mailbox) {
	s.size -= c.size
	c.size = c.bytes()
	s.size += c.size
}

// remove takes a cell out of the table; s.mu is held.
func (s *mailboxShard) remove(c *mailbox) {
	delete(s.m, c.partition)
	s.size -= c.size
	c.size = 0
}
