package trigger

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
	RequestID string // of the user's own request
	Record    json.RawMessage
	Origin    string // the queue, topic or timer, of events that are about no object
	Via       string // the queue, topic or bus (eventbus/<name>) that brought it; "" for one straight from its source

	prefix   string   // of the name; "" for S3
	identity []string // what the name is made of, unless prefix is ""
}

// Name is the name of the execution that the event starts: the same for every delivery of one event, another one for
// the next event of the same object. It is a short prefix and 32 hex digits.
//
// The name of a timer's tick is made of the flow that it starts and of its owner too: timer and
// time can be guessed, so without them a tick of one flow would have the name of a tick of every
// other.
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

// Input is the input of the execution that the event starts, canonical JSON (docs/aws.md). The original record is
// left out when the whole would be longer than most bytes.
func (s *StartEvent) Input(bytesMax int) []byte {
	if s.Origin != "" {
		return s.otherInput()
	}
	document := map[string]any{"source": s.Source, "event": s.Event, "time": s.Time, "region": s.Region, "bucket": s.Bucket,
		"key": s.Key, "size": value.FromInt(s.Size), "eTag": orNull(s.ETag), "versionId": orNull(s.VersionID),
		"sequencer": orNull(s.Sequencer), "requestId": orNull(s.RequestID)}
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

// DecodeStartEvents opens events that come straight from their source: object notifications of S3 and
// OSS, their own or through an event bus, and the ticks of Function Compute's timers. The test
// event with which a bucket tries its configuration is no start and no error. Records of other
// sources are refused.
//
// Every event that can be read is returned, also when err says which cannot.
func DecodeStartEvents(event []byte) ([]StartEvent, error) {
	if len(event) <= EventMax && KindOf(event) == TickEvent && kindOfAlibaba(event) == TickEvent {
		return decodeTimer(event)
	}
	return decodeDirect(event)
}

// decodeDirect opens object notifications without an envelope.
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

// decodeEach opens records one by one: those that cannot be read do not hold up the others.
func decodeEach(records []json.RawMessage, open func(json.RawMessage) (StartEvent, error)) ([]StartEvent, error) {
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
