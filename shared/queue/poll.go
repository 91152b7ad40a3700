package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Receiver is a queue outside this process that is asked for messages and hides those that it has given for a while.
type Receiver interface {
	// Receive waits for messages, as long as the queue lets a request wait, and returns at most so many; none is no
	// error.
	Receive(ctx context.Context, limit int) ([]Delivery, error)
	// IsPermanent tells whether an error of Receive will not pass by itself.
	IsPermanent(err error) bool
}

// Delivery is a message in hand, used by one goroutine at a time. Acknowledge and Hide say in the log what goes wrong,
// and make their request though the consumer is ending: a message that is not acknowledged comes again, which is
// harmless.
type Delivery interface {
	// ID names the message in the log.
	ID() string
	// Partition is what the hint names, or an error that wraps ErrBody or ErrVersion.
	Partition() (string, error)
	// ReceiveCount is how often the message has been delivered, this time included.
	ReceiveCount() int
	// Acknowledge removes the message from the queue.
	Acknowledge()
	// ChangeVisibility sets how long the message stays hidden from now on; 0: it is delivered again at once.
	ChangeVisibility(period time.Duration)
}

// Poller takes messages from a source. All of its fields are set.
type Poller struct {
	Receiver      Receiver
	Workers       int           // deliveries at a time
	Visibility    time.Duration // a message in hand is hidden for that long, renewed while its handler runs
	BackoffMin    time.Duration // until the first delivery after an error, doubled with each further one
	BackoffMax    time.Duration
	DropMalformed bool // acknowledge what is no hint (ErrBody), for queues without dead letters; false: the queue's rule counts
	Log           *slog.Logger
}

// Consume delivers hints to handler until ctx is done. It returns when all handlers have returned: ctx's error, or a
// lasting one of Receive. The context of the handlers ends with ctx. An error of the handler makes the hint come again,
// later each time, and so does a body that is no hint or a newer program's.
func (p *Poller) Consume(ctx context.Context, handler Handler) error {
	c := &consumer{Poller: p, handler: handler, slots: make(chan struct{}, p.Workers)}
	defer c.handlers.Wait()
	for failures := 0; ; {
		deliveries, err := c.receive(ctx)
		switch {
		case ctx.Err() != nil:
			for _, d := range deliveries {
				d.ChangeVisibility(0) // nobody takes it any more
			}
			return ctx.Err()
		case err != nil && p.Receiver.IsPermanent(err):
			return err
		case err != nil:
			p.Log.Warn("receive", "err", err)
			failures++
			Backoff(ctx, failures)
		default:
			failures = 0
		}
		for _, d := range deliveries {
			c.start(ctx, d)
		}
	}
}

// consumer is one running Consume.
type consumer struct {
	*Poller
	handler  Handler
	slots    chan struct{} // taken by messages in hand
	handlers sync.WaitGroup
}

// receive waits for a free worker and then for messages, as many as there are free workers.
func (c *consumer) receive(ctx context.Context) ([]Delivery, error) {
	select {
	case c.slots <- struct{}{}:
		<-c.slots
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c.Receiver.Receive(ctx, cap(c.slots)-len(c.slots))
}

func (c *consumer) start(ctx context.Context, d Delivery) {
	c.slots <- struct{}{}
	c.handlers.Go(func() {
		defer func() { <-c.slots }()
		c.deliver(ctx, d)
	})
}

// deliver hands one message to the handler and acknowledges it.
func (c *consumer) deliver(ctx context.Context, d Delivery) {
	partition, err := d.Partition()
	switch {
	case errors.Is(err, ErrBody) && c.DropMalformed:
		c.Log.Error("message deleted", "id", d.ID(), "err", err)
		err = nil
	case err != nil:
		c.Log.Warn("message left in the queue", "id", d.ID(), "err", err)
	default:
		err = c.handle(ctx, d, partition)
	}
	if err != nil {
		d.ChangeVisibility(c.backoff(d.ReceiveCount()))
		return
	}
	d.Acknowledge()
}

// handle keeps the message hidden while the handler runs. When it returns nothing is under way for the message.
func (c *consumer) handle(ctx context.Context, d Delivery, partition string) error {
	done := make(chan struct{})
	var renewal sync.WaitGroup
	renewal.Go(func() {
		t := time.NewTicker(c.Visibility / 3)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				d.ChangeVisibility(c.Visibility)
			case <-done:
				return
			}
		}
	})
	defer renewal.Wait() // a renewal that comes late would undo what is said next
	defer close(done)
	return c.handler(ctx, partition)
}

// backoff is how long a message waits that has been delivered so many times in vain.
func (p *Poller) backoff(received int) time.Duration {
	d := p.BackoffMin
	for ; received > 1 && d < p.BackoffMax; received-- {
		d *= 2
	}
	return min(d, p.BackoffMax)
}
