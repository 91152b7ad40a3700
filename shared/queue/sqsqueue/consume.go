package sqsqueue

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/shared/queue"
)

// Consume delivers hints to handler, on at most Options.Workers goroutines, until ctx is done. It
// returns when all handlers have returned: ctx's error, or a permanent error of receiving, such as
// a missing queue or permission. The handlers' context ends with ctx. If the handler returns an
// error, the hint is delivered again, each time after a longer pause. A message that is no hint
// stays for the queue's dead-letter rule. Messages that arrive with a request in progress when ctx
// ends are delivered again after Options.Visibility. Any number of Consume may run, in any number
// of processes.
func (q *Queue) Consume(ctx context.Context, handler queue.Handler) error {
	p := queue.Poller{Receiver: (*receiver)(q), Workers: q.o.Workers, Visibility: q.o.Visibility,
		BackoffMin: q.o.BackoffMin, BackoffMax: q.o.BackoffMax, Log: q.o.Log}
	return p.Consume(ctx, handler)
}

// receiver implements queue.Receiver.
type receiver Queue

// Receive implements queue.Receiver.
func (s *receiver) Receive(ctx context.Context, limit int) ([]queue.Delivery, error) {
	const op = "ReceiveMessage"
	q := (*Queue)(s)
	out, err := q.o.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.o.URL,
		MaxNumberOfMessages: int32(min(limit, batchMax)),
		WaitTimeSeconds:     wholeSeconds(min(q.o.Wait, 20*time.Second)),
		VisibilityTimeout:   wholeSeconds(q.o.Visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount,
		}})
	if err != nil {
		return nil, q.explain(op, err)
	}
	deliveries := make([]queue.Delivery, len(out.Messages))
	for i := range out.Messages {
		deliveries[i] = &delivery{queue: q, message: &out.Messages[i]}
	}
	return deliveries, nil
}

// IsPermanent implements queue.Receiver.
func (s *receiver) IsPermanent(err error) bool { return isPermanent(err) }

// delivery is a received message.
type delivery struct {
	queue   *Queue
	message *types.Message
}

// ID implements queue.Delivery.
func (d *delivery) ID() string { return aws.ToString(d.message.MessageId) }

// Partition implements queue.Delivery.
func (d *delivery) Partition() (string, error) { return Decode(aws.ToString(d.message.Body)) }

// ReceiveCount implements queue.Delivery.
func (d *delivery) ReceiveCount() int {
	n, _ := strconv.Atoi(
		d.message.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)],
	)
	return n
}

// Acknowledge implements queue.Delivery.
func (d *delivery) Acknowledge() {
	d.request("DeleteMessage", func(ctx context.Context, c *sqs.Client, url *string) error {
		_, err := c.DeleteMessage(ctx, &sqs.DeleteMessageInput{
			QueueUrl: url, ReceiptHandle: d.message.ReceiptHandle,
		})
		return err
	})
}

// ChangeVisibility implements queue.Delivery.
func (d *delivery) ChangeVisibility(period time.Duration) {
	d.request("ChangeMessageVisibility",
		func(ctx context.Context, c *sqs.Client, url *string) error {
			_, err := c.ChangeMessageVisibility(ctx,
				&sqs.ChangeMessageVisibilityInput{QueueUrl: url,
					ReceiptHandle:     d.message.ReceiptHandle,
					VisibilityTimeout: wholeSeconds(period)})
			return err
		})
}

// shutdownTimeout bounds requests that are made even if the consumer is ending.
const shutdownTimeout = 10 * time.Second

// request makes a call about the message and logs its error.
func (d *delivery) request(
	op string, call func(ctx context.Context, c *sqs.Client, url *string) error,
) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	q := d.queue
	if err := call(ctx, q.o.Client, &q.o.URL); err != nil {
		q.o.Log.Warn("request for a received message failed", "err", q.explain(op, err))
	}
}
