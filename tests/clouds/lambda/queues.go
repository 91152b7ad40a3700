package lambda

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// redrive returns the policy of a queue whose messages go to another queue after the given number
// of deliveries.
func redrive(arn string, receives int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn, receives)
}

// Send puts a text into the queue.
func (s *Stack) Send(body string) {
	s.T.Helper()
	if _, err := s.SQS.SendMessage(s.T.Context(), &sqs.SendMessageInput{QueueUrl: &s.queue,
		MessageBody: &body}); err != nil {
		s.T.Fatal(err)
	}
}

func (s *Stack) attribute(queue string, name types.QueueAttributeName) string {
	s.T.Helper()
	got, err := s.SQS.GetQueueAttributes(s.T.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		s.T.Fatal(err)
	}
	return got.Attributes[string(name)]
}

// DeadLetterCount returns the number of dead letters as text.
func (s *Stack) DeadLetterCount() string {
	s.T.Helper()
	return s.attribute(s.dead, types.QueueAttributeNameApproximateNumberOfMessages)
}

// DeadLetters returns the number of dead letters.
func (s *Stack) DeadLetters() int {
	s.T.Helper()
	return number(s.attribute(s.dead, types.QueueAttributeNameApproximateNumberOfMessages))
}

// Waiting returns the number of messages that can be delivered or are being delivered.
func (s *Stack) Waiting() int { return s.undelivered(s.queue) }

func (s *Stack) undelivered(queue string) int {
	s.T.Helper()
	return number(s.attribute(queue, types.QueueAttributeNameApproximateNumberOfMessages)) +
		number(s.attribute(queue, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic("the emulator counts " + text + " messages")
	}
	return n
}

// drained reports whether the queue has nothing to deliver now, and no message of it is being
// processed.
func (s *Stack) drained() bool {
	if s.Poller.Busy() {
		return false
	}
	got, err := s.SQS.GetQueueAttributes(s.T.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &s.queue, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameAll}})
	return err == nil && got.Attributes["ApproximateNumberOfMessages"] == "0" &&
		got.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
}
