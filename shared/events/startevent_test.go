package events_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"millrace/shared/events"
)

func TestObjectEvents(t *testing.T) {
	put, err := events.DecodeStartEvents(recorded(t, "aws-s3-put"))
	if err != nil || len(put) != 2 {
		t.Fatal(put, err)
	}
	bus, err := events.DecodeStartEvents(recorded(t, "aws-s3-eventbridge"))
	if err != nil || len(bus) != 1 {
		t.Fatal(bus, err)
	}
	for _, s := range []events.StartEvent{put[0], bus[0]} {
		if s.Bucket != "my-bucket" || s.Key != "in/red flower 订单.json" ||
			s.Event != "ObjectCreated:Put" || s.Size != 1024 ||
			s.Sequencer != "0055AED6DCD90281E5" || s.Source != "aws:s3" ||
			s.RequestID != "C3D13FE58DE4C810" || s.ETag == "" {
			t.Errorf("%+v", s)
		}
	}
	if put[0].Name("1", "f") != bus[0].Name("1", "f") {
		t.Error("the same event has two names, directly and through the bus")
	}
	if put[1].VersionID != "096fKKXTRTtl3on89fVO.nfljtsv6qko" ||
		put[1].Event != "ObjectCreated:CompleteMultipartUpload" {
		t.Errorf("%+v", put[1])
	}
	if starts, err := events.DecodeStartEvents(recorded(t, "aws-s3-test-event")); err != nil ||
		len(starts) != 0 {
		t.Errorf("test event: %v %v", starts, err)
	}
}

func TestNames(t *testing.T) {
	base := events.StartEvent{
		Bucket:    "b",
		Key:       "k",
		Event:     "ObjectCreated:Put",
		Sequencer: "1",
		ETag:      "e",
		RequestID: "r",
	}
	change := func(f func(*events.StartEvent)) string { s := base; f(&s); return s.Name("1", "f") }
	same := []string{change(func(*events.StartEvent) {}),
		change(func(s *events.StartEvent) { s.ETag = "x" }),
		change(func(s *events.StartEvent) { s.Time = "later" })}
	for _, n := range same {
		if n != same[0] || !regexp.MustCompile(`^s3-[0-9a-f]{32}$`).MatchString(n) {
			t.Errorf("name %q", n)
		}
	}
	different := map[string]bool{same[0]: true}
	for _, f := range []func(*events.StartEvent){
		func(s *events.StartEvent) { s.Sequencer = "2" },
		func(s *events.StartEvent) { s.Key = "k2" },
		func(s *events.StartEvent) { s.Bucket = "b2" },
		func(s *events.StartEvent) { s.Event = "ObjectRemoved:Delete" },
		func(s *events.StartEvent) { s.Sequencer = "" },
		func(s *events.StartEvent) { s.Sequencer, s.RequestID = "", "r2" },
		func(s *events.StartEvent) { s.Sequencer, s.VersionID = "", "v2" },
	} {
		n := change(f)
		if different[n] {
			t.Errorf("%s stands for two events", n)
		}
		different[n] = true
	}
}

func TestInput(t *testing.T) {
	s := events.StartEvent{
		Source:    "aws:s3",
		Event:     "ObjectCreated:Put",
		Time:      "t",
		Region:    "r",
		Bucket:    "b",
		Key:       "k",
		Size:      7,
		Sequencer: "1",
		Record:    json.RawMessage(`{"x":"` + strings.Repeat("y", 1000) + `"}`),
	}
	const small = `{"bucket":"b","eTag":null,"event":"ObjectCreated:Put","key":"k","region":"r",` +
		`"requestId":null,"sequencer":"1","size":7,"source":"aws:s3","time":"t","versionId":null}`
	if got := string(s.Input(500)); got != small {
		t.Errorf("input %s", got)
	}
	if got := string(s.Input(5000)); !strings.Contains(got, `"record":{"x":"yyy`) {
		t.Errorf("input %s", got)
	}
}

func TestDamagedRecords(t *testing.T) {
	for _, record := range []string{
		`{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},` +
			`"object":{"key":"%zz"}}}`,
		`{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},` +
			`"object":{}}}`,
		`{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{},` +
			`"object":{"key":"k"}}}`,
		`{"eventSource":"aws:s3","s3":7}`,
	} {
		if _, err := events.DecodeStartEvents([]byte(`{"Records":[` + record +
			`]}`)); !errors.Is(err, events.ErrMalformed) {
			t.Errorf("%s: %v", record, err)
		}
	}
}

// TestNamesOfBusEvents: events from EventBridge have the names of S3's own notifications, because
// rules are written with those.
func TestNamesOfBusEvents(t *testing.T) {
	for detail, want := range map[string]string{
		`"detail-type":"Object Created","detail":{"reason":"PutObject"`:   "ObjectCreated:Put",
		`"detail-type":"Object Created","detail":{"reason":"POST Object"`: "ObjectCreated:Post",
		`"detail-type":"Object Created","detail":{"reason":"CopyObject"`:  "ObjectCreated:Copy",
		`"detail-type":"Object Created",` +
			`"detail":{"reason":"CompleteMultipartUpload"`: "ObjectCreated:CompleteMultipartUpload",
		`"detail-type":"Object Deleted","detail":{"reason":"DeleteObject",` +
			`"deletion-type":"Permanently Deleted"`: "ObjectRemoved:Delete",
		`"detail-type":"Object Deleted","detail":{"reason":"DeleteObject",` +
			`"deletion-type":"Delete Marker Created"`: "ObjectRemoved:DeleteMarkerCreated",
		`"detail-type":"Object Restore Completed",` +
			`"detail":{"restore-expiry-time":"2021-11-13T00:00:00Z"`: "ObjectRestoreCompleted",
	} {
		starts, err := events.DecodeStartEvents([]byte(`{"source":"aws.s3",` + detail +
			`,"bucket":{"name":"b"},"object":{"key":"k"}}}`))
		if err != nil || len(starts) != 1 || starts[0].Event != want {
			t.Errorf("%s: %+v %v", detail, starts, err)
		}
	}
}
