package memqueue

import (
	"container/heap"
	"time"
)

// hint is a hint that waits for delivery. There is one for each partition.
type hint struct {
	partition string
	due       time.Time
	order     uint64 // of arrival, to order hints with the same due time
	failures  int    // number of failed deliveries
	position  int    // in the heap
}

// delayQueue holds the waiting hints, ordered by due time.
type delayQueue struct {
	byPartition map[string]*hint // by partition
	heap        hintHeap
	arrived     uint64
}

// add adds a hint, or moves the partition's waiting hint to the earlier of both times. It returns
// false if a new hint would exceed capacity.
func (w *delayQueue) add(partition string, at time.Time, failures, capacity int) bool {
	if h := w.byPartition[partition]; h != nil {
		h.failures = max(h.failures, failures)
		if at.Before(h.due) {
			h.due = at
			heap.Fix(&w.heap, h.position)
		}
		return true
	}
	if len(w.heap) >= capacity {
		return false
	}
	w.arrived++
	h := &hint{partition: partition, due: at, order: w.arrived, failures: failures}
	w.byPartition[partition] = h
	heap.Push(&w.heap, h)
	return true
}

// next returns the earliest hint, nil if none waits.
func (w *delayQueue) next() *hint {
	if len(w.heap) == 0 {
		return nil
	}
	return w.heap[0]
}

// take removes and returns the earliest hint if it is due.
func (w *delayQueue) take(now time.Time) *hint {
	h := w.next()
	if h == nil || h.due.After(now) {
		return nil
	}
	heap.Pop(&w.heap)
	delete(w.byPartition, h.partition)
	return h
}

type hintHeap []*hint

func (h hintHeap) Len() int { return len(h) }

func (h hintHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].order < h[j].order
	}
	return h[i].due.Before(h[j].due)
}

func (h hintHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].position, h[j].position = i, j
}

func (h *hintHeap) Push(x any) {
	e := x.(*hint)
	e.position = len(*h)
	*h = append(*h, e)
}

func (h *hintHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
