package pebblestore

import (
	"context"
	"sync"
	"time"

	"millrace/shared/store/driver"
)

// request is one call that writes, on its way through the committer.
type request struct {
	puts   []driver.Row
	cas    *driver.Row
	delete *driver.Key
	cond   *driver.Condition // of cas and delete
	bytes  int               // estimated bytes that it adds to a group

	err  error
	done chan struct{} // capacity 1
}

var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

// Commit implements driver.Driver: puts and cas are one write. If cas is rejected, nothing is
// written.
func (s *Store) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, cond driver.Condition,
) error {
	if err := s.checkWritable(false); err != nil {
		return err
	}
	if err := checkRow(&cas); err != nil {
		return err
	}
	r := requests.Get().(*request)
	r.puts, r.cas, r.cond = puts, &cas, &cond
	return s.write(ctx, r)
}

// Put implements driver.Driver: all rows are one write.
func (s *Store) Put(ctx context.Context, rows []driver.Row) error {
	if err := s.checkWritable(false); err != nil {
		return err
	}
	r := requests.Get().(*request)
	r.puts = rows
	return s.write(ctx, r)
}

// Delete implements driver.Driver. With the last row of a partition, it deletes the partition's
// number.
func (s *Store) Delete(ctx context.Context, key driver.Key, cond *driver.Condition) error {
	if err := s.checkWritable(true); err != nil {
		return err
	}
	if err := checkKey(key.Partition, key.Sort); err != nil {
		return err
	}
	r := requests.Get().(*request)
	r.delete, r.cond = &key, cond
	return s.write(ctx, r)
}

// write passes a request to the committer and waits for the result. If ctx ends first, the request
// still runs, and its result is dropped.
func (s *Store) write(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range r.puts {
		if err := checkRow(&r.puts[i]); err != nil {
			return err
		}
		r.bytes += len(r.puts[i].Data)
	}
	if r.cas != nil {
		r.bytes += len(r.cas.Data)
	}
	if err := s.queue.add(r); err != nil {
		return err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.diskFull.signal():
		if err := s.waitForSpace(ctx, r); err != nil {
			return err
		}
	}
	err := r.err
	*r = request{done: r.done}
	requests.Put(r)
	return err
}

// waitForSpace waits for the result of a write while the disk is full. It gives up after
// Options.retryInterval, or when ctx ends, because Pebble may have stopped taking writes. Pebble
// may still apply the write once the disk has space.
func (s *Store) waitForSpace(ctx context.Context, r *request) error {
	timer := time.NewTimer(s.options.retryInterval)
	defer timer.Stop()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return driver.ErrDiskFullUnknown
	}
}

// queue holds the requests that wait for the committer, at most one for each caller.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	closed  bool
	signal  chan struct{} // capacity 1: a request waits or the queue is closed
}

func (q *queue) add(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.waiting = append(q.waiting, r)
	if len(q.waiting) == 1 {
		q.wake()
	}
	return nil
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// take returns all waiting requests and leaves the empty slice in their place. closed reports that
// no request will follow.
func (q *queue) take(empty []*request) (all []*request, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all, q.waiting = q.waiting, empty
	return all, q.closed && len(all) == 0
}
