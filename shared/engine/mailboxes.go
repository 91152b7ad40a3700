package engine

import (
	"container/list"
	"sync"
)

// mailboxes is the table of the mailboxes that have holders, and of some idle ones.
type mailboxes struct {
	keep     bool // keep idle mailboxes: what they have loaded stays current
	max      int  // idle mailboxes in a shard
	bytesMax int  // a shard with more bytes keeps no idle mailboxes
	shards   [64]mailboxShard
}

type mailboxShard struct {
	mu   sync.Mutex
	m    map[string]*mailbox
	idle list.List // of *mailbox: those without a holder, the longest idle first
	size int       // bytes of the mailboxes in m
}

func newMailboxes(keep bool, idleMax, bytesMax int) *mailboxes {
	t := &mailboxes{keep: keep, max: idleMax/64 + 1, bytesMax: bytesMax / 64}
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
	m := s.m[partition]
	if m == nil {
		m = &mailbox{partition: partition, calls: map[int64]*inFlightCall{}}
		s.m[partition] = m
	}
	if m.idle != nil {
		s.idle.Remove(m.idle)
		m.idle = nil
	}
	m.refs++
	return m
}

// peek returns the mailbox of a partition, or nil if the table has none.
func (t *mailboxes) peek(partition string) *mailbox {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[partition]
}

// release ends a hold on a mailbox.
func (t *mailboxes) release(m *mailbox) {
	s := t.shard(m.partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	m.refs--
	if m.refs > 0 {
		return
	}
	if !t.keep {
		s.remove(m)
		return
	}
	s.updateSize(m)
	m.idle = s.idle.PushBack(m)
	for s.idle.Len() > t.max || s.size > t.bytesMax && s.idle.Len() > 0 {
		s.remove(s.idle.Remove(s.idle.Front()).(*mailbox))
	}
}

// updateSize records how much memory a mailbox without holders takes. The caller holds s.mu.
func (s *mailboxShard) updateSize(m *mailbox) {
	s.size -= m.size
	m.size = m.bytes()
	s.size += m.size
}

// remove takes a mailbox out of the table. The caller holds s.mu.
func (s *mailboxShard) remove(m *mailbox) {
	delete(s.m, m.partition)
	s.size -= m.size
	m.size = 0
}
