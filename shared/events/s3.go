package events

import (
	"encoding/json"
	"net/url"
	"strings"

	"millrace/shared/value"
)

// decodeRecord decodes one record of an S3 notification. Its key is form-encoded.
func decodeRecord(text json.RawMessage) (StartEvent, error) {
	var r struct {
		EventSource      string            `json:"eventSource"`
		EventName        string            `json:"eventName"`
		EventTime        string            `json:"eventTime"`
		Region           string            `json:"awsRegion"`
		ResponseElements map[string]string `json:"responseElements"`
		S3               struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key       string `json:"key"`
				Size      int64  `json:"size"`
				ETag      string `json:"eTag"`
				VersionID string `json:"versionId"`
				Sequencer string `json:"sequencer"`
			} `json:"object"`
		} `json:"s3"`
	}
	if err := value.Unmarshal(text, &r); err != nil {
		return StartEvent{}, malformed("a record of the object event cannot be read: %v", err)
	}
	o := &r.S3.Object
	key, err := url.QueryUnescape(o.Key)
	if err != nil {
		return StartEvent{}, malformed("the key %q of the object event is not form-encoded",
			shorten(o.Key))
	}
	s := StartEvent{
		Source:    r.EventSource,
		Event:     strings.TrimPrefix(r.EventName, "s3:"),
		Time:      r.EventTime,
		Region:    r.Region,
		Bucket:    r.S3.Bucket.Name,
		Key:       key,
		Size:      o.Size,
		ETag:      o.ETag,
		VersionID: o.VersionID,
		Sequencer: o.Sequencer,
		RequestID: r.ResponseElements["x-amz-request-id"],
		Record:    text,
	}
	return s, s.validate()
}

// decodeBusEvent decodes an S3 event that came through EventBridge. Its key is not encoded, and its
// event names differ: decodeBusEvent converts them to those of an S3 notification.
func decodeBusEvent(text json.RawMessage) (StartEvent, error) {
	var e struct {
		DetailType string `json:"detail-type"`
		Time       string `json:"time"`
		Region     string `json:"region"`
		Detail     struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key       string `json:"key"`
				Size      int64  `json:"size"`
				ETag      string `json:"etag"`
				VersionID string `json:"version-id"`
				Sequencer string `json:"sequencer"`
			} `json:"object"`
			RequestID string `json:"request-id"`
			Reason    string `json:"reason"`
			Deletion  string `json:"deletion-type"`
		} `json:"detail"`
	}
	if err := value.Unmarshal(text, &e); err != nil {
		return StartEvent{}, malformed("the object event cannot be read: %v", err)
	}
	o := &e.Detail.Object
	s := StartEvent{
		Source:    "aws:s3",
		Event:     busEventName(e.DetailType, e.Detail.Reason, e.Detail.Deletion),
		Time:      e.Time,
		Region:    e.Region,
		Bucket:    e.Detail.Bucket.Name,
		Key:       o.Key,
		Size:      o.Size,
		ETag:      o.ETag,
		VersionID: o.VersionID,
		Sequencer: o.Sequencer,
		RequestID: e.Detail.RequestID,
		Record:    text,
	}
	return s, s.validate()
}

// busEventName converts EventBridge's name of an event to that of S3: "Object Created" with the
// reason PutObject is ObjectCreated:Put.
func busEventName(detailType, reason, deletion string) string {
	switch {
	case detailType == "Object Created" && reason == "POST Object":
		return "ObjectCreated:Post"
	case detailType == "Object Created":
		return "ObjectCreated:" + strings.TrimSuffix(reason, "Object")
	case detailType == "Object Deleted" && deletion == "Delete Marker Created":
		return "ObjectRemoved:DeleteMarkerCreated"
	case detailType == "Object Deleted":
		return "ObjectRemoved:Delete"
	}
	return strings.ReplaceAll(detailType, " ", "")
}

// validate returns an error if an event names no object.
func (s *StartEvent) validate() error {
	if s.Bucket == "" || s.Event == "" || s.Key == "" {
		return malformed("a record of the object event lacks eventName, bucket or key: %s",
			outline(s.Record))
	}
	return nil
}

// keyShownMax is how much of a key an error shows, in bytes.
const keyShownMax = 120

func shorten(s string) string { return s[:min(len(s), keyShownMax)] }
