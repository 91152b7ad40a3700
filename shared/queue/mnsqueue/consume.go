package mnsqueue

import (
	"context"
	"errors"
	"time"

	"millrace/shared/alibaba/mns"
	"millrace/shared/queue"
)

// Consume delivers hints to handler, on at most Options.Workers goroutines, until ctx is done. It
// returns when all handlers have returned: ctx's error, or a permanent error of receiving, such as
// a missing queue or permission. The handlers' context ends with ctx. If the handler returns an
// error, the hint is delivered again, each time after a longer pause. A message that is no hint is
// logged and deleted, because this service has no dead-letter queues; one written by a newer
// program stays in the queue. Messages that arrive with a request in progress when ctx ends are
// delivered again after the queue's VisibilityTimeout. Any number of Consume may run, in any number
// of processes.
func (q *Queue) Consume(ctx context.Context, handler queue.Handler) error {
	p := queue.Poller{Receiver: (*receiver)(q), Workers: q.o.Workers, Visibility: q.o.Visibility,
		BackoffMin: q.o.BackoffMin, BackoffMax: q.o.BackoffMax, DropMalformed: true, Log: q.o.Log}
	return p.Consume(ctx, handler)
}

// receiver implements queue.Receiver.
type receiver Queue

// Receive implements queue.Receiver.
func (s *receiver) Receive(ctx context.Context, limit int) ([]queue.Delivery, error) {
	const op = "BatchReceiveMessage"
	q := (*Queue)(s)
	ctx, cancel := context.WithTimeout(ctx, min(q.o.Wait, mns.WaitMax)+requestTimeout)
	defer cancel()
	messages, err := q.o.Client.Receive(ctx, q.o.Name, limit, q.o.Wait)
	if err != nil {
		return nil, q.explain(op, err)
	}
	deliveries := make([]queue.Delivery, len(messages))
	for i, m := range messages {
		deliveries[i] = &delivery{queue: q, message: m, handle: m.Handle}
	}
	return deliveries, nil
}

// IsPermanent implements queue.Receiver.
func (s *receiver) IsPermanent(err error) bool { return isPermanent(err) }

// delivery is a received message.
type delivery struct {
	queue   *Queue
	message mns.ReceivedMessage
	handle  string // the currently valid handle; "" if there is none any more
}

// ID implements queue.Delivery.
func (d *delivery) ID() string { return d.message.ID }

// Partition implements queue.Delivery.
func (d *delivery) Partition() (string, error) { return Decode(d.message.Body) }

// ReceiveCount implements queue.Delivery.
func (d *delivery) ReceiveCount() int { return d.message.DequeueCount }

// Acknowledge implements queue.Delivery.
func (d *delivery) Acknowledge() {
	d.request("DeleteMessage",
		func(ctx context.Context, c *mns.Client, name string) (string, error) {
			return "", c.Delete(ctx, name, d.handle)
		})
}

// ChangeVisibility implements queue.Delivery. The service hides a message for at least one second.
func (d *delivery) ChangeVisibility(period time.Duration) {
	d.request("ChangeMessageVisibility",
		func(ctx context.Context, c *mns.Client, name string) (string, error) {
			return c.ChangeVisibility(ctx, name, d.handle, period)
		})
}

// shutdownTimeout bounds requests that are made even if the consumer is ending.
const shutdownTimeout = 10 * time.Second

// request makes a call about the message, which returns its next handle. If the handle has expired,
// the message may be delivered to others and d makes no further requests. After other errors the
// handle may still be valid.
func (d *delivery) request(
	op string, call func(context.Context, *mns.Client, string) (string, error),
) {
	if d.handle == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	q := d.queue
	handle, err := call(ctx, q.o.Client, q.o.Name)
	switch {
	case err == nil, errors.Is(err, mns.ErrHandleExpired):
		d.handle = handle
	default:
		q.o.Log.Warn("request for a received message failed", "err", q.explain(op, err))
	}
}
