package engine

import (
	"container/list"
	"sync"
)

// mailboxes is the table of the mailboxes that have holders, and of some idle ones.
type mailboxes struct {
	max      int // idle mailboxes in a shard
	bytesMax int // a shard with more bytes keeps no idle mailboxes
	shards   [64]mailboxShard
}

type mailboxShard struct {
	mu   sync.Mutex
	m    map[string]*mailbox
	idle list.List // of *mailbox: those without a holder, the longest idle first
	size int       // bytes of the mailboxes in m
}

func newMailboxes(idleMax, bytesMax int) *mailboxes {
	t := &mailboxes{max: idleMax/64 + 1, bytesMax: bytesMax / 64}
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

// acquire returns the mailbox of a partition and keeps it in the table until release.
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

// peek returns the mailbox of a partition, or nil if the table has none.
func (t *mailboxes) peek(partition string) *mailbox {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[partition]
}

// release ends a hold on a mailbox. The table keeps an idle mailbox only if keep says that what it
// has loaded stays current.
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

// updateSize records how much memory a mailbox without holders takes. The caller holds s.mu.
func (s *mailboxShard) updateSize(c *mailbox) {
	s.size -= c.size
	c.size = c.bytes()
	s.size += c.size
}

// remove takes a mailbox out of the table. The caller holds s.mu.
func (s *mailboxShard) remove(c *mailbox) {
	delete(s.m, c.partition)
	s.size -= c.size
	c.size = 0
}
