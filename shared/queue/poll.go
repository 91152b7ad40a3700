package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"millrace/shared/backoff"
)

// Receiver is a queue outside this process from which messages are polled. The queue hides a
// received message for a while.
type Receiver interface {
	// Receive waits for messages as long as the queue lets a request wait, and returns at most
	// limit messages. No messages is not an error.
	Receive(ctx context.Context, limit int) ([]Delivery, error)
	// IsPermanent reports whether an error of Receive will persist.
	IsPermanent(err error) bool
}

// Delivery is a received message, used by one goroutine at a time. Acknowledge and ChangeVisibility
// log their failures. They make their request even if the consumer is ending: a message that is not
// acknowledged is delivered again, which is harmless.
type Delivery interface {
	// ID identifies the message in the log.
	ID() string
	// Partition returns the partition of the hint, or an error that wraps ErrBody or ErrVersion.
	Partition() (string, error)
	// ReceiveCount returns how often the message has been delivered, this time included.
	ReceiveCount() int
	// Acknowledge removes the message from the queue.
	Acknowledge()
	// ChangeVisibility sets how long the message stays hidden from now on. If period is 0, the
	// message is delivered again at once.
	ChangeVisibility(period time.Duration)
}

// Poller receives messages and delivers them to a Handler. All of its fields must be set, except
// DropMalformed.
type Poller struct {
	Receiver Receiver
	Workers  int // maximum number of concurrent deliveries
	// Visibility is how long a received message is hidden, renewed while its handler runs.
	Visibility time.Duration
	// BackoffMin is the pause before the first redelivery after an error; it doubles with each
	// further error.
	BackoffMin time.Duration
	BackoffMax time.Duration
	// DropMalformed acknowledges messages that are no hints (ErrBody), for queues without
	// dead-letter queues. If false, the queue's own rule applies.
	DropMalformed bool
	Log           *slog.Logger
}

// Consume delivers hints to handler until ctx is done. It returns when all handlers have returned:
// ctx's error, or a permanent error of Receive. The handlers' context ends with ctx. If the handler
// returns an error, or the body is no hint or was written by a newer program, the message is
// delivered again, each time after a longer pause.
func (p *Poller) Consume(ctx context.Context, handler Handler) error {
	c := &consumer{Poller: p, handler: handler, slots: make(chan struct{}, p.Workers)}
	defer c.handlers.Wait()
	for failures := 0; ; {
		deliveries, err := c.receive(ctx)
		switch {
		case ctx.Err() != nil:
			for _, d := range deliveries {
				d.ChangeVisibility(0) // let another consumer receive it now
			}
			return ctx.Err()
		case err != nil && p.Receiver.IsPermanent(err):
			return err
		case err != nil:
			p.Log.Warn("receiving messages failed", "err", err)
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
	slots    chan struct{} // one for each received message in hand
	handlers sync.WaitGroup
}

// receive waits until a worker is free. It then waits for as many messages as workers are free.
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

// deliver passes one message to the handler. It acknowledges the message if the handler succeeds.
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

// handle keeps the message hidden while the handler runs. When it returns, no request about the
// message is in progress.
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
	defer renewal.Wait() // a late renewal would undo the next visibility change
	defer close(done)
	return c.handler(ctx, partition)
}

// backoff returns how long to hide a message that has been received this often without success.
func (p *Poller) backoff(received int) time.Duration {
	return backoff.Policy{Min: p.BackoffMin, Max: p.BackoffMax}.After(received - 1)
}
