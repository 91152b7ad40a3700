// Package events decodes the events that functions of a cloud receive: HTTP requests, queue
// batches, object notifications, ticks. Its results are plain values of its own types, without an
// SDK. Decoders ignore members that they do not know and are strict about those that they need. An
// event of the wrong kind causes ErrKind, with the kind that it has and the kind that was expected.
package events

import (
	"encoding/json"
	"errors"
	"fmt"

	"millrace/shared/value"
)

// EventMax bounds an event, in bytes. The limits of the clouds are lower.
const EventMax = 16 << 20

// Errors of the decoders. They are wrapped with a description of the event.
var (
	// ErrKind means that an event has a kind that the function does not handle.
	ErrKind = errors.New("unexpected event")
	// ErrMalformed means that an event has the right kind but cannot be decoded.
	ErrMalformed = errors.New("malformed event")
)

// Kind is the kind of an event.
type Kind uint8

// The kinds.
const (
	Unknown Kind = iota
	HTTPRequest
	QueueBatch
	ObjectEvent      // object notifications, from the store itself or through an event bus
	TestEvent        // sent by a store after notifications were configured
	TickEvent        // a tick of the scheduler
	AsyncResultEvent // the result of an asynchronous invocation
	MNSBatch         // messages of Alibaba Cloud, which are acknowledged as a whole
	HintEvent        // a single hint: an invocation for one execution
	TopicEvent       // notifications of SNS
)

// String names the kind in an error.
func (k Kind) String() string {
	return [...]string{"an unknown event", "an HTTP request", "a queue batch", "an object event",
		"a test event of a bucket",
		"a tick of the scheduler", "the outcome of an asynchronous invocation", "messages of MNS",
		"a hint",
		"notifications of SNS"}[k]
}

// eventProbe has the members that distinguish the kinds.
type eventProbe struct {
	Records        []json.RawMessage `json:"Records"`
	HTTPMethod     string            `json:"httpMethod"`
	Version        json.RawMessage   `json:"version"`
	RouteKey       string            `json:"routeKey"`
	RequestContext struct {
		HTTP      json.RawMessage `json:"http"`
		Condition string          `json:"condition"`
	} `json:"requestContext"`
	DetailType string `json:"detail-type"`
	Source     string `json:"source"`
	Kind       string `json:"kind"`
	Event      string `json:"Event"`
}

// KindOf returns the kind of an event, by its members. A JSON array is an MNSBatch. KindOf returns
// Unknown for any other text that is not a JSON object.
func KindOf(event []byte) Kind {
	if len(event) > EventMax {
		return Unknown
	}
	if kind, is := kindOfTopic(event); is {
		return kind
	}
	if e, is := cloudEventOf(event); is {
		return e.kind()
	}
	var s eventProbe
	if value.UnmarshalLenient(event, &s) != nil {
		return kindOfAlibaba(event)
	}
	switch {
	case len(s.Records) > 0:
		return kindOfRecords(s.Records)
	case s.HTTPMethod != "", s.RouteKey != "" && len(s.RequestContext.HTTP) > 0,
		len(s.RequestContext.HTTP) > 0:
		return HTTPRequest
	case s.Event == "s3:TestEvent":
		return TestEvent
	case s.Kind == "sweep", s.DetailType == "Scheduled Event":
		return TickEvent
	case s.Source == "aws.s3" && s.DetailType != "":
		return ObjectEvent
	case s.RequestContext.Condition != "":
		return AsyncResultEvent
	}
	return kindOfAlibaba(event)
}

// kindOfRecords returns the kind of the first record that has one, because a record that cannot be
// decoded must not hold up the others.
func kindOfRecords(records []json.RawMessage) Kind {
	for _, r := range records {
		if kind := kindOfRecord(r); kind != Unknown {
			return kind
		}
	}
	return Unknown
}

func kindOfRecord(record json.RawMessage) Kind {
	var r struct {
		EventSource string          `json:"eventSource"`
		SNSSource   string          `json:"EventSource"` // of SNS, whose name differs in case
		S3          json.RawMessage `json:"s3"`
	}
	if value.UnmarshalLenient(record, &r) != nil {
		return Unknown
	}
	switch {
	case r.EventSource == "aws:sqs":
		return QueueBatch
	case r.SNSSource == "aws:sns":
		return TopicEvent
	case r.EventSource == "aws:s3", r.EventSource == "minio:s3" && len(r.S3) > 0:
		return ObjectEvent
	}
	return Unknown
}

// expect returns an error for an event of another kind.
func expect(event []byte, want Kind) error {
	if len(event) > EventMax {
		return tooLarge(event)
	}
	if got := KindOf(event); got != want {
		return fmt.Errorf("%w: this function takes %s, not %s: %s; check what invokes it", ErrKind,
			want, got, outline(event))
	}
	return nil
}

func tooLarge(event []byte) error {
	return malformed("%d bytes are more than the limit of %d", len(event), EventMax)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
