package events

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// DecodeMNS decodes what Alibaba Cloud delivers from a queue or topic: an array of EventBridge
// events or of bare messages (event stream), one event (event rule), a message of a topic, or a
// single hint. A part of it cannot be acknowledged: if the function fails, the whole is delivered
// again.
//
// There are many forms, and DecodeMNS accepts all of them: messages, their data and their bodies
// may be objects or texts, and a text that is base64 of JSON is decoded. An element of no known
// form becomes a message whose body is the element's text; the decoder of the body rejects it.
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

// envelope has the members of messages that are not EventBridge events.
type envelope struct {
	MessageID   string          `json:"messageId"`
	MessageBody json.RawMessage `json:"messageBody"`

	Stream json.RawMessage `json:"body"`
	Attrs  json.RawMessage `json:"attrs"`
}

// decodeMessage decodes one element.
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

// topicMessage decodes a message of a topic.
func topicMessage(event []byte) Message {
	m, _ := membersOf(event)
	return Message{
		ID:     jsonText(m["MessageId"]),
		Body:   bodyText(m["Message"]),
		Source: jsonText(m["TopicName"]),
	}
}

// bodyText returns a body: a text as it is, or decoded if it is base64 of a JSON document; an
// object as its own text.
func bodyText(raw json.RawMessage) string {
	var s string
	if value.UnmarshalLenient(raw, &s) != nil {
		return string(raw)
	}
	if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s)); err == nil &&
		utf8.Valid(plain) {
		if start := bytes.TrimLeft(plain, " \t\r\n"); len(start) > 0 &&
			(start[0] == '{' || start[0] == '[') && json.Valid(plain) {
			return string(plain)
		}
	}
	return s
}
