package events

import (
	"encoding/json"
	"strconv"

	"millrace/shared/value"
)

// Message is one message of a queue batch.
type Message struct {
	ID       string
	Body     string
	Receives int    // number of deliveries, including this one; 0: unknown
	Source   string // resource name of the queue or topic
	// The bus of Alibaba Cloud that delivered the message, as eventbus/<name>; "" if there was
	// none, or only the default bus.
	Bus string
}

// DecodeBatch decodes a batch of messages. Every message has an id, and no id occurs twice.
//
// If err is not nil, DecodeBatch still returns every message that it could decode. The others have
// no id by which they could be redelivered, so the whole batch must fail.
func DecodeBatch(event []byte) ([]Message, error) {
	if err := expect(event, QueueBatch); err != nil {
		return nil, err
	}
	var e struct {
		Records []json.RawMessage
	}
	if err := value.UnmarshalLenient(event, &e); err != nil {
		return nil, malformed("the queue batch cannot be read: %v", err)
	}
	seen := make(map[string]bool, len(e.Records))
	messages := make([]Message, 0, len(e.Records))
	var failed decodeErrors
	for _, r := range e.Records {
		m, err := decodeBatchMessage(r)
		switch {
		case err != nil:
			failed.add(err)
		case !seen[m.ID]:
			seen[m.ID] = true
			messages = append(messages, m)
		}
	}
	return messages, failed.err()
}

func decodeBatchMessage(record json.RawMessage) (Message, error) {
	var r struct {
		MessageID  string            `json:"messageId"`
		Body       string            `json:"body"`
		Attributes map[string]string `json:"attributes"`
		SourceARN  string            `json:"eventSourceARN"`
	}
	if err := value.Unmarshal(record, &r); err != nil {
		return Message{}, malformed("a message of the batch cannot be read: %v", err)
	}
	if r.MessageID == "" {
		return Message{}, malformed("a message of the batch has no messageId")
	}
	receives, _ := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
	return Message{ID: r.MessageID, Body: r.Body, Receives: receives, Source: r.SourceARN}, nil
}

// BatchReply returns the response to a batch: the ids of the messages to redeliver.
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
