// Package memqueue is the queue of one process: hints in memory, delivered by a bounded number of
// workers. If the process ends, its hints are lost, and the sweeper sends them again.
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

// Options configures a queue. Zero values mean the defaults, given behind each field.
type Options struct {
	Workers  int           // maximum number of concurrent deliveries; 64
	Capacity int           // waiting hints, merged ones count once; 262,144
	DelayMax time.Duration // longer delays are cut to this; 15 min, as on SQS
	// BackoffMin is the pause before the first redelivery after an error; it doubles with each
	// further error; 1 s.
	BackoffMin time.Duration
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

// Queue is a queue.Sender that delivers the hints sent to it. Waiting hints of one partition are
// merged into one, with the earliest of their times. A hint that arrives while a handler of its
// partition runs is delivered separately, possibly at the same time, because the running handler
// may have read before the change that the hint is about.
type Queue struct {
	options Options

	mu       sync.Mutex
	waiting  delayQueue
	running  int
	consumer *consumer
	closed   bool
	idle     sync.Cond     // signaled when running is 0; uses mu
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

// Send implements queue.Sender. It never waits. ErrFull means that hints beyond the capacity were
// dropped and the others queued. ErrClosed means that none was queued.
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

// Len returns the number of hints that wait for delivery.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting.heap)
}

// Close rejects further hints, drops those that wait, ends Consume, cancels the context of the
// running handlers and waits for them. To let handlers finish first, call Shutdown.
func (q *Queue) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	q.Shutdown(ctx)
	return nil
}

// Shutdown rejects further hints, drops those that wait, and ends deliveries. It lets the running
// handlers finish until ctx is done, then cancels their context, and returns when all have
// returned: nil if they finished before that, else ctx's error.
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

// waitIdle waits until no handler runs. The caller holds the lock.
func (q *Queue) waitIdle() {
	for q.running > 0 {
		q.idle.Wait()
	}
}
