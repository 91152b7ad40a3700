package events

import (
	"encoding/json"
	"strconv"
	"strings"

	"millrace/shared/value"
)

// ossRecord is an event of OSS. Events of a function's trigger and of EventBridge have region, user
// and request beside oss; a notification through a queue has them inside oss.
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

// decodeOSS decodes object events of OSS: a list of records, or one record in an event of
// EventBridge. Keys are not encoded.
func decodeOSS(event []byte) ([]StartEvent, error) {
	if e, is := cloudEventOf(event); is {
		return decodeEach([]json.RawMessage{json.RawMessage(bodyText(e["data"]))},
			func(r json.RawMessage) (StartEvent, error) {
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
	return decodeEach(e.Events, func(r json.RawMessage) (StartEvent, error) {
		return decodeOSSRecord(r, "")
	})
}

// decodeOSSRecord decodes one record. eventType is the type of the EventBridge event; "" without
// one.
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
	s := StartEvent{
		Source:    "acs:oss",
		Event:     strings.TrimPrefix(r.EventName, "oss:"),
		Time:      r.EventTime,
		Region:    r.Region,
		Bucket:    r.OSS.Bucket.Name,
		Key:       o.Key,
		Size:      size,
		ETag:      o.ETag,
		RequestID: r.ResponseElements.RequestID,
		Record:    record,
	}
	// OSS does not number events. The id of the user's request distinguishes them; without it, the
	// other values that change from one event to the next.
	s.prefix, s.identity = "oss", []string{"oss", s.Region, s.Bucket, s.Key, s.Event, s.RequestID,
		s.ETag}
	if s.RequestID == "" {
		s.identity = append(s.identity, o.Size.String(), o.DeltaSize.String(), s.Time)
	}
	return s, s.validate()
}
