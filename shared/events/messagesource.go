package events

import (
	"strings"

	"millrace/shared/value"
)

// Sources of start events that are not object events.
const (
	SourceMNS   = "acs:mns"   // Origin is the queue or topic, Event is Message
	SourceSQS   = "aws:sqs"   // Origin is the queue, Event is Message
	SourceSNS   = "aws:sns"   // Origin is the topic, Event is Message
	SourceTimer = "acs:timer" // Origin is the trigger, Event is Timer
)

// decodeTimer decodes a tick of a function's timer as a start event. The execution name is derived
// from the trigger's name and the second of the tick.
func decodeTimer(event []byte) ([]StartEvent, error) {
	var e struct {
		Time    string `json:"triggerTime"`
		Name    string `json:"triggerName"`
		Payload string `json:"payload"`
	}
	if err := value.Unmarshal(event, &e); err != nil {
		return nil, malformed("the timer event cannot be read: %v", err)
	}
	if len(e.Time) < len("2006-01-02T15:04:05") || e.Name == "" {
		return nil, malformed("the timer event lacks triggerName or triggerTime: %s",
			outline(event))
	}
	s := StartEvent{
		Source:   SourceTimer,
		Event:    "Timer",
		Time:     e.Time,
		Origin:   e.Name,
		Record:   []byte(e.Payload),
		prefix:   "timer",
		identity: []string{"timer", e.Name, e.Time[:len("2006-01-02T15:04:05")]},
	}
	return []StartEvent{s}, nil
}

// StartEventOf converts a message of a queue or topic to a start event. The execution name is
// derived from the message id, which is the same in all deliveries. A message without an id
// (RawData, STREAM) is rejected, because its deliveries cannot be distinguished from other
// messages.
func StartEventOf(m Message) (StartEvent, error) {
	if m.ID == "" {
		return StartEvent{}, malformed("a message has no id, so its deliveries cannot be told "+
			"from those of the next; let the trigger send whole events "+
			"(CloudEvents, JSON), not bare bodies: %s", outline([]byte(m.Body)))
	}
	kind, prefix := SourceMNS, "mns"
	switch arnPart(m.Source, 2) { // arn:aws:sqs:<region>:<account>:<queue>
	case "sqs":
		kind, prefix = SourceSQS, "sqs"
	case "sns":
		kind, prefix = SourceSNS, "sns"
	}
	region := arnPart(m.Source, 3)
	if kind == SourceMNS { // acs:mns:<region>:<account>:queues/<queue>
		region = arnPart(m.Source, 2)
	}
	origin := QueueName(m.Source)
	return StartEvent{Source: kind, Event: "Message", Region: region, Origin: origin, Via: m.Source,
		RequestID: m.ID, Record: []byte(m.Body), prefix: prefix,
		identity: []string{prefix, origin, m.ID}}, nil
}

// arnPart returns a part of a resource name, between colons; "" if there is none.
func arnPart(name string, i int) string {
	parts := strings.Split(name, ":")
	if (strings.HasPrefix(name, "acs:") || strings.HasPrefix(name, "arn:")) && i < len(parts) {
		return parts[i]
	}
	return ""
}

// otherInput returns the input for an event of a queue, topic or timer. The payload is a value if
// it is JSON, else a text.
func (s *StartEvent) otherInput() []byte {
	var payload any = string(s.Record)
	if v, err := value.Decode(s.Record); err == nil {
		payload = v
	}
	return value.Encode(map[string]any{
		"source":    s.Source,
		"event":     s.Event,
		"time":      orNull(s.Time),
		"region":    orNull(s.Region),
		"origin":    orNull(s.Origin),
		"requestId": orNull(s.RequestID),
		"payload":   payload,
	})
}
