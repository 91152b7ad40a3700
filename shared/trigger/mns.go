package trigger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// DecodeMNS opens what Alibaba Cloud brings of a queue or topic: an array of EventBridge's events or of bare messages
// (event stream), one event (event rule), a topic's message, or a hint by itself. There is no answer for a part of it:
// the function fails as a whole and gets the whole again.
//
// It is as tolerant as the forms are many: messages, their data and their bodies may be objects or texts, and a text that
// is base64 of JSON is decoded. What is none of these comes out with its own text as the body; whoever reads that finds
// that it is nothing.
func DecodeMNS(event []byte) ([]Message, error) {
	if kind := KindOf(event); kind != HintEvent {
		if err := expect(event, MNSBatch); err != nil {
			return nil, err
		}
	}
	if text := bytes.TrimSpace(event); text[0] != '[' {
		if _, is := kindOfTopic(text); is {
			return []Message{topicMessage(text)}, nil
		}
		return []Message{decodeMessage(text)}, nil
	}
	var elements []json.RawMessage
	if err := value.UnmarshalLenient(event, &elements); err != nil {
		return nil, malformed("the batch of messages cannot be read: %v", err)
	}
	messages := make([]Message, len(elements))
	for i, e := range elements {
		messages[i] = decodeMessage(e)
	}
	return messages, nil
}

// envelope has the members of the forms in which a message comes that is no event of EventBridge.
type envelope struct {
	MessageID   string          `json:"messageId"`
	MessageBody json.RawMessage `json:"messageBody"`

	Stream json.RawMessage `json:"body"`
	Attrs  json.RawMessage `json:"attrs"`
}

// decodeMessage opens one element.
func decodeMessage(element json.RawMessage) Message {
	if len(element) == 0 || element[0] != '{' {
		return Message{Body: bodyText(element)}
	}
	if e, is := cloudEventOf(element); is {
		if e.kind() == MNSBatch {
			return e.message()
		}
		return Message{Body: string(element)}
	}
	var e envelope
	switch {
	case value.UnmarshalLenient(element, &e) != nil:
	case e.MessageBody != nil:
		return Message{ID: e.MessageID, Body: bodyText(e.MessageBody)}
	case e.Stream != nil && e.Attrs != nil:
		return Message{Body: bodyText(e.Stream)}
	}
	return Message{Body: string(element)}
}

// topicMessage opens a topic's message.
func topicMessage(event []byte) Message {
	m, _ := membersOf(event)
	return Message{ID: jsonText(m["MessageId"]), Body: bodyText(m["Message"]), Source: jsonText(m["TopicName"])}
}

// bodyText is a body: a text as it is, or what it is in base64 if that is a JSON document; an object as its own text.
func bodyText(raw json.RawMessage) string {
	var s string
	if value.UnmarshalLenient(raw, &s) != nil {
		return string(raw)
	}
	if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s)); err == nil && utf8.Valid(plain) {
		if start := bytes.TrimLeft(plain, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') && json.Valid(plain) {
			return string(plain)
		}
	}
	return s
}
