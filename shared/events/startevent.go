package events

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// StartEvent is one event that may start an execution.
type StartEvent struct {
	Source    string // aws:s3, acs:oss, SourceMNS, SourceSQS, SourceSNS or SourceTimer
	Event     string // ObjectCreated:Put, …
	Time      string // RFC 3339, as sent
	Region    string
	Bucket    string
	Key       string // decoded
	Size      int64
	ETag      string
	VersionID string
	Sequencer string // orders the events of one key
	RequestID string // of the user's request
	Record    json.RawMessage
	Origin    string // the queue, topic or timer, if the event is not about an object
	// The queue, topic or bus (eventbus/<name>) that delivered the event; "" if it came directly
	// from its source.
	Via string

	prefix   string   // of the execution name; "" for S3
	identity []string // what the execution name is derived from, unless prefix is ""
}

// Name returns the name of the execution that the event starts. It is the same for every delivery
// of one event, and different for the next event of the same object. It is a short prefix and 32
// hex digits.
//
// The name of a timer's tick also depends on the flow that it starts and on the flow's owner. Timer
// and time can be guessed, so otherwise ticks for different flows would have the same name.
func (s *StartEvent) Name(account, flow string) string {
	identity := []string{"s3", s.Bucket, s.Key, s.Event, s.Sequencer}
	if s.Sequencer == "" {
		identity = []string{"s3", s.Bucket, s.Key, s.Event, "", s.VersionID, s.ETag, s.RequestID}
	}
	prefix := "s3"
	if s.prefix != "" {
		prefix, identity = s.prefix, s.identity
	}
	if s.Source == SourceTimer {
		identity = append([]string{account, flow}, identity...)
	}
	sum := sha256.Sum256([]byte(strings.Join(identity, "\x00")))
	return prefix + "-" + hex.EncodeToString(sum[:16])
}

// Input returns the input of the execution that the event starts, as canonical JSON (docs/aws.md).
// It omits the original record if the input would be longer than bytesMax.
func (s *StartEvent) Input(bytesMax int) []byte {
	if s.Origin != "" {
		return s.otherInput()
	}
	document := map[string]any{
		"source":    s.Source,
		"event":     s.Event,
		"time":      s.Time,
		"region":    s.Region,
		"bucket":    s.Bucket,
		"key":       s.Key,
		"size":      value.FromInt(s.Size),
		"eTag":      orNull(s.ETag),
		"versionId": orNull(s.VersionID),
		"sequencer": orNull(s.Sequencer),
		"requestId": orNull(s.RequestID),
	}
	if record, err := value.Decode(s.Record); err == nil {
		document["record"] = record
		if text := value.Encode(document); len(text) <= bytesMax {
			return text
		}
		delete(document, "record")
	}
	return value.Encode(document)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// DecodeStartEvents decodes events that come directly from their source: object notifications of S3
// and OSS, sent by the store or through an event bus, and the ticks of Function Compute's timers.
// The test event of a bucket is neither a start event nor an error. Records of other sources are
// rejected.
//
// If err is not nil, DecodeStartEvents still returns every event that it could decode.
func DecodeStartEvents(event []byte) ([]StartEvent, error) {
	if len(event) <= EventMax && KindOf(event) == TickEvent && kindOfAlibaba(event) == TickEvent {
		return decodeTimer(event)
	}
	return decodeDirect(event)
}

// decodeDirect decodes object notifications without an envelope.
func decodeDirect(event []byte) ([]StartEvent, error) {
	if len(event) <= EventMax && KindOf(event) == TestEvent {
		return nil, nil
	}
	if err := expect(event, ObjectEvent); err != nil {
		return nil, err
	}
	if _, is := cloudEventOf(event); is || kindOfAlibaba(event) == ObjectEvent {
		return decodeOSS(event)
	}
	var e struct {
		Records []json.RawMessage
	}
	if err := value.UnmarshalLenient(event, &e); err != nil {
		return nil, malformed("the object event cannot be read: %v", err)
	}
	if len(e.Records) == 0 {
		return decodeEach([]json.RawMessage{event}, decodeBusEvent)
	}
	return decodeEach(e.Records, decodeRecord)
}

// decodeEach decodes records one by one. A record that cannot be decoded does not hold up the
// others.
func decodeEach(
	records []json.RawMessage, open func(json.RawMessage) (StartEvent, error),
) ([]StartEvent, error) {
	starts := make([]StartEvent, 0, len(records))
	var failed decodeErrors
	for _, r := range records {
		s, err := open(r)
		if err != nil {
			failed.add(err)
			continue
		}
		starts = append(starts, s)
	}
	return starts, failed.err()
}
