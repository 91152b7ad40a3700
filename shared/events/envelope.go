package events

import (
	"bytes"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// nestingMax is how many envelopes an object event in a message may have: the record of a failed
// invocation, the batch of SNS that invoked the function, and the notification in it.
const nestingMax = 4

// DecodeObjects decodes the object events in the text of a message, in every form in which they get
// into a queue: directly from their store, through an event bus, in a notification of SNS, and in
// the record of a failed invocation, which is the content of a dead-letter queue that is a
// function's destination. The caller must have checked that the queue may carry object events,
// because nothing in the text can be trusted to say so.
//
// If err is not nil, DecodeObjects still returns every event that it could decode.
func DecodeObjects(text []byte) ([]StartEvent, error) { return decodeNested(text, nestingMax) }

func decodeNested(text []byte, depth int) ([]StartEvent, error) {
	if len(text) > EventMax {
		return nil, tooLarge(text)
	}
	inner, err := unwrap(text)
	if len(inner) == 0 && err == nil {
		return decodeDirect(text)
	}
	if depth == 0 {
		return nil, malformed("more than %d envelopes around an object event: %s", nestingMax,
			outline(text))
	}
	var starts []StartEvent
	var failed decodeErrors
	failed.add(err)
	for _, t := range inner {
		some, err := decodeNested(t, depth-1)
		starts = append(starts, some...)
		failed.add(err)
	}
	return starts, failed.err()
}

// unwrap returns the texts inside an envelope around object events. It returns neither texts nor an
// error if the text is not such an envelope.
func unwrap(text []byte) ([][]byte, error) {
	if KindOf(text) != TopicEvent {
		m, _ := membersOf(text)
		switch {
		case m["requestPayload"] != nil && m["requestContext"] != nil:
			return [][]byte{[]byte(jsonText(m["requestPayload"]))}, nil
		case jsonText(m["Type"]) == "Notification" && m["TopicArn"] != nil && m["Message"] != nil:
			return [][]byte{[]byte(jsonText(m["Message"]))}, nil
		}
		return nil, nil
	}
	notifications, err := DecodeTopic(text)
	inner := make([][]byte, len(notifications))
	for i, n := range notifications {
		inner[i] = []byte(n.Body)
	}
	return inner, err
}

// membersOf returns the members of a JSON object by their exact names, and whether each occurs
// once. It returns nil if the text is not an object.
//
// Decoding into a struct would match names in any case of letters and use the last of two equal
// names. That is unsafe for envelopes: a topic of MNS puts attributes that the sender chose beside
// its own members.
func membersOf(text []byte) (members map[string]json.RawMessage, once bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	members, once = map[string]json.RawMessage{}, true
	for d.More() {
		var raw json.RawMessage
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || d.Decode(&raw) != nil {
			return nil, false
		}
		if members[name] != nil {
			once = false
		}
		members[name] = raw
	}
	if _, err := d.Token(); err != nil || d.More() {
		return nil, false
	}
	return members, once
}

// jsonText returns the text of a JSON string, or the JSON of any other value; "" if raw is empty.
func jsonText(raw json.RawMessage) string {
	var s string
	if value.UnmarshalLenient(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// Delivery is how an event reached the function. This decides how the event is read, whatever its
// text looks like.
type Delivery struct {
	Message
	// Direct means that the event is not a message: its source, a bucket, an event bus or a timer,
	// invoked the function. Body is then the event, and all other fields of Message are empty.
	Direct bool
}

// QueueName returns the short name of a queue, topic or bus: the part of its resource name after
// the last colon or slash.
func QueueName(source string) string {
	return source[strings.LastIndexAny(source, ":/")+1:]
}
