package trigger

import (
	"strings"

	"millrace/shared/value"
)

// Sources of starts that are no object events.
const (
	SourceMNS   = "acs:mns"   // Origin is the queue or topic, Event is Message
	SourceSQS   = "aws:sqs"   // Origin is the queue, Event is Message
	SourceSNS   = "aws:sns"   // Origin is the topic, Event is Message
	SourceTimer = "acs:timer" // Origin is the trigger, Event is Timer
)

// decodeTimer reads a tick of a function's timer as a start. Its name is that of the trigger with the second of the tick.
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
		return nil, malformed("the timer event lacks triggerName or triggerTime: %s", outline(event))
	}
	s := StartEvent{Source: SourceTimer, Event: "Timer", Time: e.Time, Origin: e.Name, Record: []byte(e.Payload), prefix: "timer",
		identity: []string{"timer", e.Name, e.Time[:len("2006-01-02T15:04:05")]}}
	return []StartEvent{s}, nil
}

// StartEventOf is a message of a queue or topic as an event that may start an execution, named by the id that the message
// keeps over its deliveries. A message without one (RawData, STREAM) cannot be told from the next and is refused.
func StartEventOf(m Message) (StartEvent, error) {
	if m.ID == "" {
		return StartEvent{}, malformed("a message has no id, so its deliveries cannot be told from those of the next; let the trigger send whole events "+
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

// arnPart is a part of a resource name, between colons; "" where there is none.
func arnPart(name string, i int) string {
	parts := strings.Split(name, ":")
	if (strings.HasPrefix(name, "acs:") || strings.HasPrefix(name, "arn:")) && i < len(parts) {
		return parts[i]
	}
	return ""
}

// otherInput is the input that an event from a queue, topic or timer gives: what it carries is in payload, as a value when
// it is JSON, else as text.
func (s *StartEvent) otherInput() []byte {
	var payload any = string(s.Record)
	if v, err := value.Decode(s.Record); err == nil {
		payload = v
	}
	return value.Encode(map[string]any{"source": s.Source, "event": s.Event, "time": orNull(s.Time), "region": orNull(s.Region),
		"origin": orNull(s.Origin), "requestId": orNull(s.RequestID), "payload": payload})
}
