package mns

import (
	"cmp"
	"container/heap"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// message is a message in a queue.
type message struct {
	id       string
	body     string
	digest   string
	priority int64
	serial   int64 // order of arrival
	enqueued time.Time
	first    time.Time // when it was first received
	received int
	at       time.Time // when it becomes visible
	handle   string    // the valid receipt handle; "": none
	index    int       // in its heap
	visible  bool      // whether its heap is that of the visible messages
}

// heapOf is a heap of messages. Each message knows its index in it.
type heapOf struct {
	list []*message
	less func(a, b *message) bool
}

func (h *heapOf) Len() int           { return len(h.list) }
func (h *heapOf) Less(i, j int) bool { return h.less(h.list[i], h.list[j]) }
func (h *heapOf) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].index, h.list[j].index = i, j
}
func (h *heapOf) Push(x any) {
	m := x.(*message)
	m.index = len(h.list)
	h.list = append(h.list, m)
}
func (h *heapOf) Pop() any {
	last := len(h.list) - 1
	m := h.list[last]
	h.list[last] = nil
	h.list = h.list[:last]
	return m
}

// queue is a queue. The server's lock guards it.
type queue struct {
	attributes
	name     string
	created  time.Time
	modified time.Time
	visible  heapOf // by priority, then by arrival
	hidden   heapOf // delayed or received, by the time when they become visible
	handles  map[string]*message
	oldest   time.Time     // no message is older
	changed  chan struct{} // closed if a message may have become visible or the queue was deleted
}

func newQueue(name string, a attributes, now time.Time) *queue {
	return &queue{
		attributes: a,
		name:       name,
		created:    now,
		modified:   now,
		handles:    map[string]*message{},
		changed:    make(chan struct{}),
		visible: heapOf{less: func(a, b *message) bool {
			return a.priority < b.priority || a.priority == b.priority && a.serial < b.serial
		}},
		hidden: heapOf{less: func(a, b *message) bool { return a.at.Before(b.at) }},
	}
}

// wake makes waiting receivers look again.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// put adds a message to the heap of its kind.
func (q *queue) put(m *message, now time.Time) {
	if q.oldest.IsZero() || m.enqueued.Before(q.oldest) {
		q.oldest = m.enqueued
	}
	m.visible = !m.at.After(now)
	if m.visible {
		heap.Push(&q.visible, m)
	} else {
		heap.Push(&q.hidden, m)
	}
}

// take removes a message from its heap.
func (q *queue) take(m *message) {
	if m.visible {
		heap.Remove(&q.visible, m.index)
	} else {
		heap.Remove(&q.hidden, m.index)
	}
}

// remove deletes a message.
func (q *queue) remove(m *message) {
	q.take(m)
	delete(q.handles, m.handle)
}

// refresh makes due messages visible, which invalidates their handles, and drops messages older
// than the queue's retention.
func (q *queue) refresh(now time.Time) {
	for len(q.hidden.list) > 0 && !q.hidden.list[0].at.After(now) {
		m := q.hidden.list[0]
		q.take(m)
		delete(q.handles, m.handle)
		m.handle = ""
		q.put(m, now)
	}
	if limit := now.Add(-time.Duration(q.retention) * time.Second); q.oldest.Before(limit) {
		q.expire(limit)
	}
}

// expire drops the messages that arrived before limit.
func (q *queue) expire(limit time.Time) {
	q.oldest = time.Time{}
	for _, m := range slices.Concat(q.visible.list, q.hidden.list) {
		switch {
		case m.enqueued.Before(limit):
			q.remove(m)
		case q.oldest.IsZero() || m.enqueued.Before(q.oldest):
			q.oldest = m.enqueued
		}
	}
}

// hide makes a message invisible until a time, under a new handle.
func (q *queue) hide(m *message, now, until time.Time, serial int64) {
	q.take(m)
	delete(q.handles, m.handle)
	m.at = until
	m.handle = newHandle(m, serial)
	q.handles[m.handle] = m
	q.put(m, now)
}

// newHandle returns a receipt handle in the service's format.
func newHandle(m *message, serial int64) string {
	text := fmt.Sprintf("%d-%d-%d-%d", 8589934592+serial, m.at.Unix(), m.received, m.priority)
	return "1-" + base64.StdEncoding.EncodeToString([]byte(text))
}

// find returns the message of a valid handle.
func (q *queue) find(handle string, now time.Time) (*message, *apiError) {
	q.refresh(now)
	if m := q.handles[handle]; m != nil {
		return m, nil
	}
	shard, text, ok := strings.Cut(handle, "-")
	if _, err := base64.StdEncoding.DecodeString(text); !ok || shard == "" || err != nil {
		return nil, handleError
	}
	return nil, messageNotExist
}

// bodies returns the bodies of all messages, in the order of their arrival.
func (q *queue) bodies() []string {
	all := slices.Concat(q.visible.list, q.hidden.list)
	slices.SortFunc(all, func(a, b *message) int { return cmp.Compare(a.serial, b.serial) })
	bodies := make([]string, 0, len(all))
	for _, m := range all {
		bodies = append(bodies, m.body)
	}
	return bodies
}
