package trigger

import (
	"bytes"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// alibabaProbe are the members by which the events of Function Compute are told apart.
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

// kindOfAlibaba tells what an event of Alibaba Cloud is; Unknown for what is none.
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

// kindOfOSS returns ObjectEvent if any record is OSS's: one that cannot be read does not hold up
// the others.
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

// kindOfTopic reports whether an event is a topic's message, and then its kind: Unknown if it
// cannot be told who has written which of its members. This is looked at before everything else,
// for the attributes that the sender gives such a message stand beside the topic's own members and
// may have the names of any other event's. Those of an event bus are refused: a publisher on
// one could write the topic's members beside them as well.
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
