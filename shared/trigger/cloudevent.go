package trigger

import (
	"bytes"
	"encoding/json"
	"strings"
)

// cloudEvent has the members of an event of Alibaba Cloud's EventBridge, by their exact names.
//
// A publisher on a bus chooses them all but those that EventBridge adds, so none is believed
// to say which way the event came except the bus's name.
type cloudEvent map[string]json.RawMessage

// busMember is the member in which EventBridge names the bus.
const busMember = "aliyuneventbusname"

// busDefault is the bus on which services' own events are. On every other one anybody may publish
// who has the right to, so an event of it came by that bus.
const busDefault = "default"

var specVersionMember = []byte(`"specversion"`)

// cloudEventOf reports whether an object is an event of EventBridge, which has specversion and
// needs nothing else, and returns it. It is nil if a member is there twice, so that it cannot be
// told which of them EventBridge has written.
func cloudEventOf(event []byte) (e cloudEvent, is bool) {
	if !bytes.Contains(event, specVersionMember) {
		return nil, false
	}
	m, once := membersOf(event)
	switch {
	case m["specversion"] == nil:
		return nil, false
	case !once:
		return nil, true
	}
	return m, true
}

// kind is what the event is about, by its type alone.
func (e cloudEvent) kind() Kind {
	switch eventType := jsonText(e["type"]); {
	case strings.HasPrefix(eventType, "mns:"):
		return MNSBatch
	case strings.HasPrefix(eventType, "oss:Object"):
		return ObjectEvent
	}
	return Unknown
}

// bus is the resource of the bus that brought the event; "" for that of services' own events.
func (e cloudEvent) bus() string {
	if bus := jsonText(e[busMember]); bus != "" && bus != busDefault {
		return "eventbus/" + bus
	}
	return ""
}

// message opens an event about a message. Its data is the message, or a text with that, or a text
// that is the body.
func (e cloudEvent) message() Message {
	m := Message{ID: jsonText(e["id"]), Source: jsonText(e["subject"]), Bus: e.bus()}
	data := bodyText(e["data"])
	d, once := membersOf([]byte(data))
	if !once || d["messageBody"] == nil {
		m.Body = data
		return m
	}
	if id := jsonText(d["messageId"]); id != "" {
		m.ID = id
	}
	m.Body = bodyText(d["messageBody"])
	return m
}
