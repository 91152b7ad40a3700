// Package trigger opens the envelopes in which a cloud's functions get their events: HTTP requests, queue batches,
// object notifications, ticks. What comes out is plain values of its own, without an SDK. Decoders are tolerant of
// members that they do not know, and strict about what they need: an event of the wrong kind is ErrKind, with what it
// was and what was expected.
package trigger

import (
	"encoding/json"
	"errors"
	"fmt"

	"millrace/shared/value"
)

// EventMax bounds an event in bytes; the clouds' own limits are lower.
const EventMax = 16 << 20

// Errors of the decoders. They are wrapped with what was seen.
var (
	// ErrKind says that an event is of another kind than the one the function is for.
	ErrKind = errors.New("unexpected event")
	// ErrMalformed says that an event is of the kind but cannot be read.
	ErrMalformed = errors.New("malformed event")
)

// Kind is what an event is.
type Kind uint8

// The kinds.
const (
	Unknown Kind = iota
	HTTPRequest
	QueueBatch
	ObjectEvent      // object notifications, of a store itself or through an event bus
	TestEvent        // a store's note that notifications have been set up
	TickEvent        // the clock
	AsyncResultEvent // the outcome of an asynchronous invocation
	MNSBatch         // messages of Alibaba Cloud, which are answered as a whole
	HintEvent        // a hint by itself: an invocation for one execution
	TopicEvent       // notifications of SNS
)

// String names the kind for an error.
func (k Kind) String() string {
	return [...]string{"an unknown event", "an HTTP request", "a queue batch", "an object event", "a test event of a bucket",
		"a tick of the scheduler", "the outcome of an asynchronous invocation", "messages of MNS", "a hint",
		"notifications of SNS"}[k]
}

// eventProbe are the members by which kinds are told apart.
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

// KindOf tells what an event is by its members. Unknown for what is no JSON object.
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
	case s.HTTPMethod != "", s.RouteKey != "" && len(s.RequestContext.HTTP) > 0, len(s.RequestContext.HTTP) > 0:
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

// kindOfRecords returns the kind of the first record that has one: one that cannot be read does not
// hold up the others.
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
		SNSSource   string          `json:"EventSource"` // of SNS, in other letters
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

// expect refuses an event of another kind.
func expect(event []byte, want Kind) error {
	if len(event) > EventMax {
		return tooLarge(event)
	}
	if got := KindOf(event); got != want {
		return fmt.Errorf("%w: this function takes %s, not %s: %s; check what invokes it", ErrKind, want, got, outline(event))
	}
	return nil
}

func tooLarge(event []byte) error {
	return malformed("%d bytes are more than the limit of %d", len(event), EventMax)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
