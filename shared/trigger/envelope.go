package trigger

import (
	"bytes"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// nestingMax is how many envelopes an object event may have around it in a message: a failed
// invocation's record, the batch of SNS that was invoked with, its notification.
const nestingMax = 4

// DecodeObjects opens object events in the text of a message, in every form in which they get into
// a queue: as their store sends them, through an event bus, in a notification of SNS, and in the
// record of an invocation that failed, which is what a dead-letter queue holds that is a function's
// destination. The caller has made sure that the queue is meant to carry them: nothing in the text
// itself can be trusted to say so.
//
// Every event that can be read is returned, also when err says which cannot.
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
		return nil, malformed("more than %d envelopes around an object event: %s", nestingMax, outline(text))
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

// unwrap returns the texts in an envelope around object events; neither texts nor an error if the
// text is no such envelope.
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
	notes, err := DecodeTopic(text)
	inner := make([][]byte, len(notes))
	for i, n := range notes {
		inner[i] = []byte(n.Body)
	}
	return inner, err
}

// membersOf returns the members of a JSON object by their exact names, and whether each is there
// once. nil for what is no object.
//
// Envelopes are read so and not into structs, which take a member in any case of letters and the
// last of two: a topic of MNS puts attributes that the sender chose beside its own members.
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

// jsonText is a JSON string's text; of any other value its JSON, "" for none.
func jsonText(raw json.RawMessage) string {
	var s string
	if value.UnmarshalLenient(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// Delivery is how an event reached the function, which decides what it may be, whatever its text
// looks like.
type Delivery struct {
	Message
	// Direct says that the event is not a message: the function was invoked with it by its source,
	// be that a bucket, an event bus or a timer. Body is the event then, and Message has nothing
	// else.
	Direct bool
}

// QueueName is the last part of the name by which a message's queue, topic or bus is known: that
// after the last colon or slash.
func QueueName(source string) string {
	return source[strings.LastIndexAny(source, ":/")+1:]
}
