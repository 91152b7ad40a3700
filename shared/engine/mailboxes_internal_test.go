package engine

import (
	"fmt"
	"testing"
)

// sameShard gives so many partitions that one shard of the table has.
func sameShard(cells *mailboxes, n int) (partitions []string) {
	for i := 0; len(partitions) < n; i++ {
		p := fmt.Sprint("p", i)
		if cells.shard(p) == cells.shard("p0") {
			partitions = append(partitions, p)
		}
	}
	return partitions
}

// TestIdleMailboxes: of the executions that are idle, those that were used last stay, however often
// they were used.
func TestIdleMailboxes(t *testing.T) {
	const most = 5
	cells := newMailboxes(64*(most-1), 64<<20)
	use := func(partition string) *mailbox {
		c := cells.acquire(partition)
		cells.release(c, true)
		return c
	}
	p := sameShard(cells, most+1)
	for range 3 {
		for _, partition := range p[:most-1] {
			use(partition)
		}
		hot := use(p[most-1])
		for range 10 * most {
			if use(p[most-1]) != hot {
				t.Fatal("an execution that is used again and again is dropped")
			}
		}
		for _, partition := range p[:most] {
			if cells.peek(partition) == nil {
				t.Errorf("%s is dropped for one that was used often", partition)
			}
		}
	}
	held := cells.acquire(p[0]) // the longest idle, in use again
	use(p[most])
	if cells.peek(p[0]) != held || cells.peek(p[1]) == nil {
		t.Error("one that is in use counts among the idle")
	}
	cells.release(held, true)
	if cells.peek(p[1]) != nil || cells.peek(p[0]) != held || cells.peek(p[most]) == nil {
		t.Error("not the longest idle is dropped")
	}
}
