package events

import (
	"bytes"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// alibabaProbe has the members that distinguish the events of Function Compute.
type alibabaProbe struct {
	Events      []json.RawMessage `json:"events"`      // OSS
	TriggerTime *string           `json:"triggerTime"` // timer
	TriggerName *string           `json:"triggerName"` // timer
	Body        json.RawMessage   `json:"body"`        // topic, STREAM
	Attributes  json.RawMessage   `json:"attrs"`       // topic, STREAM
	Version     *int              `json:"v"`           // hint
	Partition   *string           `json:"p"`           // hint
	Context     struct {
		FunctionARN string `json:"functionArn"`
	} `json:"requestContext"`
}

// kindOfAlibaba returns the kind of an event of Alibaba Cloud; Unknown for any other event.
func kindOfAlibaba(event []byte) Kind {
	if text := bytes.TrimLeft(event, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		if json.Valid(text) {
			return MNSBatch
		}
		return Unknown
	}
	var s alibabaProbe
	if value.UnmarshalLenient(event, &s) != nil {
		return Unknown
	}
	switch {
	case len(s.Events) > 0:
		return kindOfOSS(s.Events)
	case s.TriggerTime != nil && s.TriggerName != nil:
		return TickEvent
	case s.Body != nil && s.Attributes != nil:
		return MNSBatch
	case s.Version != nil && s.Partition != nil:
		return HintEvent
	case strings.HasPrefix(s.Context.FunctionARN, "acs:fc:"):
		return AsyncResultEvent
	}
	return Unknown
}

// kindOfOSS returns ObjectEvent if any record is from OSS, because a record that cannot be decoded
// must not hold up the others.
func kindOfOSS(records []json.RawMessage) Kind {
	for _, record := range records {
		var r struct {
			Source string          `json:"eventSource"`
			OSS    json.RawMessage `json:"oss"`
		}
		if value.UnmarshalLenient(record, &r) == nil && (r.Source == "acs:oss" || len(r.OSS) > 0) {
			return ObjectEvent
		}
	}
	return Unknown
}

// kindOfTopic reports whether an event is a message of a topic, and returns its kind. The kind is
// Unknown if it is unclear who wrote each member. kindOfTopic must be called before the other
// checks: the attributes that a sender chooses are siblings of the topic's own members, and may
// have the names of members of any other event. An event of an event bus is rejected, because a
// publisher on a bus could write the members of a topic too.
func kindOfTopic(event []byte) (kind Kind, is bool) {
	if !bytes.Contains(event, topicMember) {
		return Unknown, false
	}
	m, once := membersOf(event)
	switch {
	case m["TopicName"] == nil || m["Message"] == nil:
		return Unknown, false
	case !once || m[busMember] != nil:
		return Unknown, true
	}
	return MNSBatch, true
}

var topicMember = []byte(`"TopicName"`)
