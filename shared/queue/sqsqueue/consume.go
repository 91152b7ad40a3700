package sqsqueue

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/shared/queue"
)

// Consume delivers hints to handler, on at most Options.Workers goroutines, until ctx is done. It returns when all
// handlers have returned: ctx's error, or what makes receiving impossible, such as a missing queue or permission. The
// context of the handlers ends with ctx. An error of the handler makes the hint come again, later each time; what is
// not a hint is left to the queue's dead-letter rule. What a request brings that was under way when ctx ended comes again
// after Options.Visibility. Any number of Consume may run, in any number of processes.
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
func (c *consumer) receive(ctx context.Context) ([]types.Message, error) {
	const op = "ReceiveMessage"
	select {
	case c.slots <- struct{}{}:
		<-c.slots
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	q := c.queue
	q.count(op)
	out, err := q.o.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.o.URL,
		MaxNumberOfMessages:         int32(min(cap(c.slots)-len(c.slots), batchMax)),
		WaitTimeSeconds:             wholeSeconds(min(q.o.Wait, 20*time.Second)),
		VisibilityTimeout:           wholeSeconds(q.o.Visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount}})
	if err != nil {
		return nil, q.explain(op, err)
	}
	return out.Messages, nil
}

func wholeSeconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// giveBack makes messages that nobody takes any more visible at once.
func (c *consumer) giveBack(messages []types.Message) {
	for _, m := range messages {
		c.hide(m, 0)
	}
}

func (c *consumer) start(ctx context.Context, m types.Message) {
	c.slots <- struct{}{}
	c.work.Go(func() {
		defer func() { <-c.slots }()
		c.deliver(ctx, m)
	})
}

// deliver hands one message to the handler and acknowledges it.
func (c *consumer) deliver(ctx context.Context, m types.Message) {
	partition, err := Decode(aws.ToString(m.Body))
	if err == nil {
		err = c.handle(ctx, m, partition)
	}
	switch {
	case err == nil:
		c.acknowledge(m)
		return
	case errors.Is(err, ErrBody), errors.Is(err, ErrVersion):
		c.queue.o.Log.Warn("message left in the queue", "id", aws.ToString(m.MessageId), "err", err)
	}
	c.hide(m, c.queue.backoff(m))
}

// handle keeps the message hidden while the handler runs.
func (c *consumer) handle(ctx context.Context, m types.Message, partition string) error {
	done := make(chan struct{})
	c.work.Go(func() {
		t := time.NewTicker(c.queue.o.Visibility / 3)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				c.hide(m, c.queue.o.Visibility)
			case <-done:
				return
			}
		}
	})
	defer close(done)
	return c.handler(ctx, partition)
}

// closingTime bounds requests that must be made although the consumer is ending.
const closingTime = 10 * time.Second

// acknowledge deletes a message. Where that fails it comes again, which is harmless.
func (c *consumer) acknowledge(m types.Message) {
	const op = "DeleteMessage"
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	q := c.queue
	q.count(op)
	if _, err := q.o.Client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.o.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
		q.o.Log.Warn("acknowledge", "err", q.explain(op, err))
	}
}

// hide sets how long a message stays hidden from now on.
func (c *consumer) hide(m types.Message, d time.Duration) {
	const op = "ChangeMessageVisibility"
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	q := c.queue
	q.count(op)
	if _, err := q.o.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &q.o.URL, ReceiptHandle: m.ReceiptHandle,
		VisibilityTimeout: wholeSeconds(d)}); err != nil {
		q.o.Log.Warn("visibility", "err", q.explain(op, err))
	}
}

// backoff is how long a message waits that has been delivered so many times in vain.
func (q *Queue) backoff(m types.Message) time.Duration {
	n, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	d := q.o.BackoffMin
	for ; n > 1 && d < q.o.BackoffMax; n-- {
		d *= 2
	}
	return min(d, q.o.BackoffMax)
}
