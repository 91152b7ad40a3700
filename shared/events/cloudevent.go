package events

import (
	"bytes"
	"encoding/json"
	"strings"
)

// cloudEvent has the members of an event of Alibaba Cloud's EventBridge, by their exact names.
//
// A publisher on a bus chooses all members except those that EventBridge adds, so only the bus's
// name is trusted to say which way the event came.
type cloudEvent map[string]json.RawMessage

// busMember is the member in which EventBridge names the bus.
const busMember = "aliyuneventbusname"

// busDefault is the bus of the cloud services' own events. Any account with the right to publish
// may publish on every other bus, so its events count as delivered by that bus.
const busDefault = "default"

var specVersionMember = []byte(`"specversion"`)

// cloudEventOf reports whether an object is an event of EventBridge, and returns it. Only
// specversion is required. The returned event is nil if a member occurs twice, because then it is
// unclear which one EventBridge wrote.
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

// kind returns the kind of the event, by its type alone.
func (e cloudEvent) kind() Kind {
	switch eventType := jsonText(e["type"]); {
	case strings.HasPrefix(eventType, "mns:"):
		return MNSBatch
	case strings.HasPrefix(eventType, "oss:Object"):
		return ObjectEvent
	}
	return Unknown
}

// bus returns the resource of the bus that delivered the event; "" for the default bus.
func (e cloudEvent) bus() string {
	if bus := jsonText(e[busMember]); bus != "" && bus != busDefault {
		return "eventbus/" + bus
	}
	return ""
}

// message decodes an event about a message. Its data is the message, a text that contains the
// message, or a text that is the body.
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
