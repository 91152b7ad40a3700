package lambda

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/tests/clouds/emulators"
)

// Feed is a queue that brings events to a function. An event that failed three times becomes a dead
// letter.
type Feed struct {
	stack       *Stack
	queue, dead string
}

// NewFeed returns a feed that ends with the test.
func (s *Stack) NewFeed(f *Function) *Feed {
	s.T.Helper()
	d := &Feed{stack: s, dead: s.createQueue(emulators.Unique("lost"), nil)}
	d.queue = s.createQueue(emulators.Unique("events"), map[string]string{
		"RedrivePolicy": redrive(s.attribute(d.dead, types.QueueAttributeNameQueueArn), 3)})
	p := &Poller{Client: s.SQS, URL: d.queue, ARN: "arn:aws:sqs:us-east-1:000000000000:events",
		Invoke: f.Invoke, Batch: 5, Concurrent: 2,
		Visibility: time.Second, Random: rand.New(rand.NewPCG(1, 2)), LateMax: time.Second}
	ctx, stop := context.WithCancel(context.Background())
	s.background.Go(func() { p.Run(ctx) })
	s.T.Cleanup(stop)
	return d
}

// Send adds an event.
func (d *Feed) Send(event string) {
	if _, err := d.stack.SQS.SendMessage(d.stack.T.Context(),
		&sqs.SendMessageInput{QueueUrl: &d.queue, MessageBody: &event}); err != nil {
		d.stack.T.Error(err)
	}
}

// Idle reports whether no event is to be delivered, or on its way.
func (d *Feed) Idle() bool { return d.stack.undelivered(d.queue) == 0 }

// DeadLetters returns the number of events that could not be handled.
func (d *Feed) DeadLetters() int {
	return number(d.stack.attribute(d.dead, types.QueueAttributeNameApproximateNumberOfMessages))
}
