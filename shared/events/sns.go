package events

import (
	"encoding/json"

	"millrace/shared/value"
)

// DecodeTopic decodes the notifications of SNS in an event.
//
// If err is not nil, DecodeTopic still returns every notification that it could decode.
func DecodeTopic(event []byte) ([]Message, error) {
	if err := expect(event, TopicEvent); err != nil {
		return nil, err
	}
	var e struct {
		Records []json.RawMessage
	}
	if err := value.UnmarshalLenient(event, &e); err != nil {
		return nil, malformed("the notifications of SNS cannot be read: %v", err)
	}
	messages := make([]Message, 0, len(e.Records))
	var failed decodeErrors
	for _, r := range e.Records {
		m, err := decodeNotification(r)
		if err != nil {
			failed.add(err)
			continue
		}
		messages = append(messages, m)
	}
	return messages, failed.err()
}

func decodeNotification(record json.RawMessage) (Message, error) {
	var r struct {
		SNS struct {
			MessageID string `json:"MessageId"`
			TopicARN  string `json:"TopicArn"`
			Message   string `json:"Message"`
		} `json:"Sns"`
	}
	if err := value.Unmarshal(record, &r); err != nil {
		return Message{}, malformed("a notification of SNS cannot be read: %v", err)
	}
	if r.SNS.MessageID == "" || r.SNS.TopicARN == "" {
		return Message{}, malformed("a notification of SNS lacks MessageId or TopicArn: %s",
			outline(record))
	}
	return Message{ID: r.SNS.MessageID, Body: r.SNS.Message, Source: r.SNS.TopicARN}, nil
}
