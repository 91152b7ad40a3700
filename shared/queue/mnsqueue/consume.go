package mnsqueue

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/shared/queue"
	"millrace/shared/queue/mnsqueue/rest"
)

// Consume delivers hints to handler, on at most Options.Workers goroutines, until ctx is done. It returns when all
// handlers have returned: ctx's error, or what makes receiving impossible, such as a missing queue or permission. The
// context of the handlers ends with ctx. An error of the handler makes the hint come again, later each time. What is no
// hint is logged and deleted, for the queues of this service have no dead letters; what a newer program wrote stays.
// What a request brings that was under way when ctx ended comes again after the queue's VisibilityTimeout. Any number of
// Consume may run, in any number of processes.
func (q *Queue) Consume(ctx context.Context, handler queue.Handler) error {
	c := &consumer{queue: q, handler: handler, slots: make(chan struct{}, q.o.Workers)}
	defer c.work.Wait()
	for failures := 0; ; {
		messages, err := c.receive(ctx)
		switch {
		case ctx.Err() != nil:
			c.giveBack(messages)
			return ctx.Err()
		case err != nil && lasting(err):
			return err
		case err != nil:
			q.o.Log.Warn("receive", "err", err)
			failures++
			pause(ctx, failures)
		default:
			failures = 0
		}
		for _, m := range messages {
			c.start(ctx, m)
		}
	}
}

type consumer struct {
	queue   *Queue
	handler queue.Handler
	slots   chan struct{} // taken by messages in hand
	work    sync.WaitGroup
}

// receive waits for a free worker and then for messages, as many as there are free workers.
func (c *consumer) receive(ctx context.Context) ([]rest.In, error) {
	const op = "BatchReceiveMessage"
	select {
	case c.slots <- struct{}{}:
		<-c.slots
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	q := c.queue
	q.count(op)
	ctx, cancel := context.WithTimeout(ctx, min(q.o.Wait, rest.WaitMax)+tryTime)
	defer cancel()
	messages, err := q.o.Client.Receive(ctx, q.o.Name, cap(c.slots)-len(c.slots), q.o.Wait)
	if err != nil {
		return nil, q.explain(op, err)
	}
	return messages, nil
}

// giveBack makes messages that nobody takes any more visible soon.
func (c *consumer) giveBack(messages []rest.In) {
	for _, m := range messages {
		d := &delivery{queue: c.queue, handle: m.Handle}
		d.hide(0)
	}
}

func (c *consumer) start(ctx context.Context, m rest.In) {
	c.slots <- struct{}{}
	c.work.Go(func() {
		defer func() { <-c.slots }()
		c.deliver(ctx, m)
	})
}

// deliver hands one message to the handler and acknowledges it.
func (c *consumer) deliver(ctx context.Context, m rest.In) {
	d := &delivery{queue: c.queue, handle: m.Handle}
	partition, err := Decode(m.Body)
	switch {
	case errors.Is(err, ErrBody):
		c.queue.o.Log.Error("message deleted", "id", m.ID, "err", err)
		d.acknowledge()
		return
	case err != nil:
		c.queue.o.Log.Warn("message left in the queue", "id", m.ID, "err", err)
	default:
		err = c.handle(ctx, d, partition)
	}
	if err != nil {
		d.hide(c.queue.backoff(m.Received))
		return
	}
	d.acknowledge()
}

// handle keeps the message hidden while the handler runs. When it returns nothing is under way for the message.
func (c *consumer) handle(ctx context.Context, d *delivery, partition string) error {
	done := make(chan struct{})
	var renewal sync.WaitGroup
	renewal.Go(func() {
		t := time.NewTicker(c.queue.o.Visibility / 3)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				d.hide(c.queue.o.Visibility)
			case <-done:
				return
			}
		}
	})
	defer renewal.Wait() // for each renewal makes another handle
	defer close(done)
	return c.handler(ctx, partition)
}

// closingTime bounds requests that must be made although the consumer is ending.
const closingTime = 10 * time.Second

// delivery is a message in hand. One goroutine at a time may use it.
type delivery struct {
	queue  *Queue
	handle string // the one that is valid; "": none is any more
}

// acknowledge deletes the message. Where that fails it comes again, which is harmless.
func (d *delivery) acknowledge() {
	d.with("DeleteMessage", func(ctx context.Context, c *rest.Client, name string) (string, error) {
		return "", c.Delete(ctx, name, d.handle)
	})
}

// hide sets how long the message stays hidden from now on.
func (d *delivery) hide(period time.Duration) {
	d.with("ChangeMessageVisibility", func(ctx context.Context, c *rest.Client, name string) (string, error) {
		return c.Hide(ctx, name, d.handle, period)
	})
}

// with makes a call about the message, which gives its next handle. A message that is no longer ours is left alone; on
// other errors the handle may still be good.
func (d *delivery) with(op string, call func(context.Context, *rest.Client, string) (string, error)) {
	if d.handle == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	q := d.queue
	q.count(op)
	handle, err := call(ctx, q.o.Client, q.o.Name)
	switch {
	case err == nil, errors.Is(err, rest.ErrNotMine):
		d.handle = handle
	default:
		q.o.Log.Warn("message in hand", "err", q.explain(op, err))
	}
}

// backoff is how long a message waits that has been delivered so many times in vain.
func (q *Queue) backoff(received int) time.Duration {
	d := q.o.BackoffMin
	for ; received > 1 && d < q.o.BackoffMax; received-- {
		d *= 2
	}
	return min(d, q.o.BackoffMax)
}
