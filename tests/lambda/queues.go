package lambda

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// redrive is the policy of a queue whose messages go to another after so many deliveries.
func redrive(arn string, receives int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn, receives)
}

// Send puts a text into the queue.
func (s *Stack) Send(body string) {
	s.t.Helper()
	if _, err := s.SQS.SendMessage(s.t.Context(), &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: &body}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Stack) attribute(queue string, name types.QueueAttributeName) string {
	s.t.Helper()
	got, err := s.SQS.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		s.t.Fatal(err)
	}
	return got.Attributes[string(name)]
}

// Letters counts the dead letters.
func (s *Stack) Letters() string {
	s.t.Helper()
	return s.attribute(s.dead, types.QueueAttributeNameApproximateNumberOfMessages)
}

// drained tells whether the queue has nothing to deliver now, and nothing of it is being worked on.
func (s *Stack) drained() bool {
	if s.Poller.Busy() {
		return false
	}
	got, err := s.SQS.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &s.queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	return err == nil && got.Attributes["ApproximateNumberOfMessages"] == "0" && got.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
}
