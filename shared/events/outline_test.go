package events_test

import (
	"encoding/json"
	"strings"
	"testing"

	"millrace/shared/events"
)

// TestErrorsQuoteNothing: an error, which is logged, contains nothing from an event except the
// names of known members.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "hunter2"
	for _, event := range []string{`"hunter2"`, `hunter2`, `{"hunter2":1}`,
		`{"password":"hunter2"}`, `[hunter2]`, `{"Records":[{"eventSource":"hunter2"}]}`,
		`{"specversion":"1.0","type":"hunter2","data":"hunter2"}`,
		`{"triggerTime":"hunter2","triggerName":"n"}`,
		`{"TopicName":"hunter2","Message":"hunter2","Message":"x"}`,
		`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"hunter2"}}]}`,
		`{"Records":[{"eventSource":"aws:s3","s3":{"object":{"eTag":"hunter2"}}}]}`,
		`{"events":[{"eventSource":"acs:oss","oss":{"object":{"eTag":"hunter2"}}}]}`,
		`{"requestContext":{"http":{}},"body":"hunter2"}`,
		`{"Records":[{"eventSource":"aws:sqs","body":"hunter2"}]}`,
		`{"requestContext":{"condition":"hunter2"}}`} {
		var errs []error
		for _, decode := range []func([]byte) error{
			func(e []byte) error { _, err := events.DecodeHTTP(e); return err },
			func(e []byte) error { _, err := events.DecodeBatch(e); return err },
			func(e []byte) error { _, err := events.DecodeStartEvents(e); return err },
			func(e []byte) error { _, err := events.DecodeObjects(e); return err },
			func(e []byte) error { _, err := events.DecodeMNS(e); return err },
			func(e []byte) error { _, err := events.DecodeTopic(e); return err },
			func(e []byte) error { _, err := events.DecodeAsyncResult(e); return err },
			func(e []byte) error { return events.DecodeTick(e) },
			func(e []byte) error {
				_, err := events.StartEventOf(
					events.Message{Body: string(e)})
				return err
			},
		} {
			if err := decode([]byte(event)); err != nil {
				errs = append(errs, err)
			}
		}
		if len(errs) < 5 {
			t.Errorf("%s: only %d errors", event, len(errs))
		}
		for _, err := range errs {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", event, err)
			}
		}
	}
	_, err := events.DecodeBatch([]byte(`{"triggerName":"n","triggerTime":"t","mine":1}`))
	if want := "46 bytes, sha256 "; !strings.Contains(err.Error(), want) ||
		!strings.Contains(err.Error(), ", with triggerName, triggerTime;") {
		t.Error(err)
	}
	big, _ := json.Marshal(map[string]string{"x": strings.Repeat(secret, 1000)})
	if _, err := events.DecodeBatch(big); len(err.Error()) > 250 {
		t.Error(err)
	}
}
