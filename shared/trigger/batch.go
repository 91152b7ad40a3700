package trigger

import (
	"encoding/json"
	"strconv"
)

// Message is one message of a queue batch.
type Message struct {
	ID       string
	Body     string
	Receives int    // how often it has been delivered, this time included; 0: not known
	Source   string // ARN of the queue
}

// DecodeBatch opens a batch of messages. Every message has an id, no two the same.
func DecodeBatch(event []byte) ([]Message, error) {
	if err := expect(event, QueueBatch); err != nil {
		return nil, err
	}
	var e struct {
		Records []struct {
			MessageID  string            `json:"messageId"`
			Body       string            `json:"body"`
			Attributes map[string]string `json:"attributes"`
			SourceARN  string            `json:"eventSourceARN"`
		}
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, malformed("the queue batch cannot be read: %v", err)
	}
	seen := make(map[string]bool, len(e.Records))
	messages := make([]Message, 0, len(e.Records))
	for _, r := range e.Records {
		if r.MessageID == "" {
			return nil, malformed("a message of the batch has no messageId")
		}
		if seen[r.MessageID] {
			continue
		}
		seen[r.MessageID] = true
		receives, _ := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
		messages = append(messages, Message{ID: r.MessageID, Body: r.Body, Receives: receives, Source: r.SourceARN})
	}
	return messages, nil
}

// BatchReply is the answer to a batch: the ids of the messages that must come again.
func BatchReply(failed []string) []byte {
	type item struct {
		ID string `json:"itemIdentifier"`
	}
	r := struct {
		Failures []item `json:"batchItemFailures"`
	}{Failures: make([]item, 0, len(failed))}
	for _, id := range failed {
		r.Failures = append(r.Failures, item{id})
	}
	out, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings only
	}
	return out
}
