// Package memqueue is the queue of one process: hints in memory, delivered by a bounded number of workers. What it
// holds is lost with its process, and the sweeper sends it again.
package memqueue

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/shared/queue"
)

// Errors of the queue.
var (
	ErrFull     = errors.New("memqueue: full, the hint is dropped and left to the sweeper")
	ErrClosed   = errors.New("memqueue: closed")
	ErrConsumed = errors.New("memqueue: Consume is already running")
)

// Options tell how much the queue holds and how it delivers. Zero values mean the defaults.
type Options struct {
	Workers    int           // deliveries at a time; 64
	Capacity   int           // hints waiting, merged ones count once; 262,144
	DelayMax   time.Duration // longer delays are cut to this; 15 min, as on SQS
	BackoffMin time.Duration // until the first delivery after an error, doubled with each further one; 1 s
	BackoffMax time.Duration // 5 min
}

func (o *Options) setDefaults() {
	if o.Workers <= 0 {
		o.Workers = 64
	}
	if o.Capacity <= 0 {
		o.Capacity = 1 << 18
	}
	if o.DelayMax <= 0 {
		o.DelayMax = 15 * time.Minute
	}
	if o.BackoffMin <= 0 {
		o.BackoffMin = time.Second
	}
	if o.BackoffMax < o.BackoffMin {
		o.BackoffMax = max(5*time.Minute, o.BackoffMin)
	}
}

// Queue is a queue.Sender that delivers what it was sent. Hints of one partition that wait for delivery are one
// hint, at the earliest of their times. A hint that comes while its partition is being handled is delivered apart,
// possibly at the same time: the handler that runs may have read before the news came.
type Queue struct {
	options Options

	mu       sync.Mutex
	waiting  delayQueue
	running  int
	consumer *consumer
	closed   bool
	idle     sync.Cond     // running is 0; over mu
	stop     chan struct{} // closed with the queue
}

var _ queue.Sender = (*Queue)(nil)

// New returns an empty queue.
func New(options Options) *Queue {
	options.setDefaults()
	q := &Queue{options: options, stop: make(chan struct{})}
	q.waiting.byPartition = make(map[string]*hint)
	q.idle.L = &q.mu
	return q
}

// Send implements queue.Sender. It never waits. ErrFull: hints that found no room were dropped, the others are
// queued. ErrClosed: none is.
func (q *Queue) Send(ctx context.Context, hints ...queue.Hint) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	var err error
	for _, m := range hints {
		delay := min(max(m.Delay, 0), q.options.DelayMax)
		if !q.waiting.add(m.Partition, now.Add(delay), 0, q.options.Capacity) {
			err = ErrFull
		}
	}
	q.deliverDue(now)
	return err
}

// Len returns how many hints wait for delivery.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting.heap)
}

// Close takes no more hints, ends Consume, cancels the context of the handlers that run and waits for them. Hints
// that wait are dropped. To let handlers finish first, use Shutdown.
func (q *Queue) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	q.Shutdown(ctx)
	return nil
}

// Shutdown takes no more hints and ends deliveries. It lets the handlers that run finish until ctx is done, then
// cancels their context, and returns when all have returned: nil if they did so by themselves, else ctx's error.
func (q *Queue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.stop)
		q.waiting = delayQueue{byPartition: make(map[string]*hint)}
	}
	c := q.consumer
	if c == nil {
		return nil
	}
	interrupted := false
	unwatch := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		interrupted = q.running > 0
		c.cancel()
	})
	defer unwatch()
	q.waitIdle()
	if interrupted {
		return ctx.Err()
	}
	return nil
}

// waitIdle waits until no handler runs; the caller holds the lock.
func (q *Queue) waitIdle() {
	for q.running > 0 {
		q.idle.Wait()
	}
}
