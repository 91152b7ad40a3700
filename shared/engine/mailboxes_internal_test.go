package engine

import (
	"fmt"
	"testing"
)

// sameShard returns n partitions in one shard of the table.
func sameShard(boxes *mailboxes, n int) (partitions []string) {
	for i := 0; len(partitions) < n; i++ {
		p := fmt.Sprint("p", i)
		if boxes.shard(p) == boxes.shard("p0") {
			partitions = append(partitions, p)
		}
	}
	return partitions
}

// TestIdleMailboxes: of the idle executions the idleMax recently used ones stay, however often they
// were used.
func TestIdleMailboxes(t *testing.T) {
	const idleMax = 5
	boxes := newMailboxes(true, 64*(idleMax-1), 64<<20)
	use := func(partition string) *mailbox {
		m := boxes.acquire(partition)
		boxes.release(m)
		return m
	}
	p := sameShard(boxes, idleMax+1)
	for range 3 {
		for _, partition := range p[:idleMax-1] {
			use(partition)
		}
		hot := use(p[idleMax-1])
		for range 10 * idleMax {
			if use(p[idleMax-1]) != hot {
				t.Fatal("an execution that is used again and again is dropped")
			}
		}
		for _, partition := range p[:idleMax] {
			if boxes.peek(partition) == nil {
				t.Errorf("%s is dropped for one that was used often", partition)
			}
		}
	}
	held := boxes.acquire(p[0]) // the longest idle, in use again
	use(p[idleMax])
	if boxes.peek(p[0]) != held || boxes.peek(p[1]) == nil {
		t.Error("one that is in use counts among the idle")
	}
	boxes.release(held)
	if boxes.peek(p[1]) != nil || boxes.peek(p[0]) != held || boxes.peek(p[idleMax]) == nil {
		t.Error("not the longest idle is dropped")
	}
}
