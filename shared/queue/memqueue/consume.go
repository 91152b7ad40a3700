package memqueue

import (
	"context"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/queue"
)

// consumer is one running Consume.
type consumer struct {
	deliver func(partition string) error
	cancel  context.CancelFunc // of the context that deliver passes on
	timer   *time.Timer        // fires when the earliest hint is due
	stopped bool               // no further deliveries
}

// Consume delivers hints to handler, on at most Options.Workers goroutines, until ctx is done or
// the queue is closed. It returns when all handlers have returned: nil after Close and Shutdown,
// else ctx's error. The handlers' context is canceled with ctx. If the handler returns an error,
// the hint waits again, longer each time. Only one Consume may run at a time; waiting hints are
// kept from one to the next.
func (q *Queue) Consume(ctx context.Context, handler queue.Handler) error {
	handling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	c := &consumer{
		cancel:  cancel,
		deliver: func(partition string) error { return handler(handling, partition) },
	}
	if err := q.start(c); err != nil {
		return err
	}
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
		cancel()
	case <-q.stop:
		// Close or Shutdown decides when the handlers are canceled; the end of ctx cancels them
		// too.
		defer context.AfterFunc(ctx, cancel)()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	c.stopped = true
	c.timer.Stop()
	q.waitIdle()
	q.consumer = nil
	return err
}

func (q *Queue) start(c *consumer) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrClosed
	case q.consumer != nil:
		return ErrConsumed
	}
	q.consumer = c
	c.timer = time.AfterFunc(time.Hour, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.deliverDue(time.Now())
	})
	q.deliverDue(time.Now())
	return nil
}

// deliverDue starts workers for the due hints, and the timer for the next one. The caller holds the
// lock.
func (q *Queue) deliverDue(now time.Time) {
	c := q.consumer
	if c == nil || c.stopped || q.closed {
		return
	}
	for q.running < q.options.Workers {
		h := q.waiting.take(now)
		if h == nil {
			break
		}
		q.running++
		go q.work(c, h)
	}
	// If all workers are busy, the next one that becomes free calls deliverDue itself.
	if h := q.waiting.next(); h != nil && q.running < q.options.Workers {
		c.timer.Reset(h.due.Sub(now))
	}
}

// work delivers a hint, and then other due hints until there are none.
func (q *Queue) work(c *consumer, h *hint) {
	for h != nil {
		err := c.deliver(h.partition)
		h = q.finish(c, h, err)
	}
}

// finish makes a failed hint wait again. It returns the next hint for this worker, or nil if the
// worker must end.
func (q *Queue) finish(c *consumer, h *hint, err error) *hint {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil && !q.closed {
		// A delivered hint keeps its capacity: it can return even to a full queue.
		q.waiting.add(h.partition, now.Add(q.backoff(h.failures)), h.failures+1,
			q.options.Capacity+q.options.Workers)
	}
	if !c.stopped && !q.closed {
		if next := q.waiting.take(now); next != nil {
			return next
		}
	}
	q.running--
	if q.running == 0 {
		q.idle.Broadcast()
	}
	q.deliverDue(now)
	return nil
}

// backoff returns how long a hint waits after the given number of failures and one more.
func (q *Queue) backoff(failures int) time.Duration {
	return backoff.Policy{Min: q.options.BackoffMin, Max: q.options.BackoffMax}.After(failures)
}
