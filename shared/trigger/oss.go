package trigger

import (
	"encoding/json"
	"strconv"
	"strings"

	"millrace/shared/value"
)

// ossRecord is an event of OSS. The trigger of a function and EventBridge have region, user and request beside oss; the
// notification through a queue has them inside.
type ossRecord struct {
	EventName string `json:"eventName"`
	EventTime string `json:"eventTime"`
	ossOrigin
	OSS struct {
		ossOrigin
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string      `json:"key"`
			Size      json.Number `json:"size"`
			DeltaSize json.Number `json:"deltaSize"`
			ETag      string      `json:"eTag"`
		} `json:"object"`
	} `json:"oss"`
}

type ossOrigin struct {
	Region           string `json:"region"`
	ResponseElements struct {
		RequestID string `json:"requestId"`
	} `json:"responseElements"`
}

// decodeOSS reads object events of OSS: a list of records, or one record that EventBridge brings. Keys are plain.
func decodeOSS(event []byte) ([]StartEvent, error) {
	if e, is := cloudEventOf(event); is {
		return decodeEach([]json.RawMessage{json.RawMessage(bodyText(e["data"]))}, func(r json.RawMessage) (StartEvent, error) {
			s, err := decodeOSSRecord(r, jsonText(e["type"]))
			s.Via = e.bus()
			return s, err
		})
	}
	var e struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := value.UnmarshalLenient(event, &e); err != nil {
		return nil, malformed("the object event cannot be read: %v", err)
	}
	return decodeEach(e.Events, func(r json.RawMessage) (StartEvent, error) { return decodeOSSRecord(r, "") })
}

// decodeOSSRecord reads one record; eventType is that of EventBridge, "" without.
func decodeOSSRecord(record json.RawMessage, eventType string) (StartEvent, error) {
	var r ossRecord
	if err := value.Unmarshal(record, &r); err != nil {
		return StartEvent{}, malformed("a record of the object event cannot be read: %v", err)
	}
	if r.EventName == "" {
		r.EventName = eventType
	}
	if r.Region == "" {
		r.Region = r.OSS.Region
	}
	if r.ResponseElements.RequestID == "" {
		r.ResponseElements = r.OSS.ResponseElements
	}
	o := &r.OSS.Object
	size, _ := strconv.ParseInt(o.Size.String(), 10, 64)
	s := StartEvent{Source: "acs:oss", Event: strings.TrimPrefix(r.EventName, "oss:"), Time: r.EventTime, Region: r.Region,
		Bucket: r.OSS.Bucket.Name, Key: o.Key, Size: size, ETag: o.ETag, RequestID: r.ResponseElements.RequestID, Record: record}
	// OSS numbers no events: the user's own request tells them apart. Without it, what else changes from one to the next.
	s.prefix, s.identity = "oss", []string{"oss", s.Region, s.Bucket, s.Key, s.Event, s.RequestID, s.ETag}
	if s.RequestID == "" {
		s.identity = append(s.identity, o.Size.String(), o.DeltaSize.String(), s.Time)
	}
	return s, s.validate()
}
