package openapitask_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/shared/task"
	"millrace/shared/task/openapitask"
)

func TestPutEvents(t *testing.T) {
	s := &api{
		status:   200,
		response: `{"failedEntryCount":0,"entryList":[{"eventId":"e"}],"requestId":"r"}`,
	}
	events := &openapitask.Events{
		Service: service(t, s), Now: func() time.Time { return time.Unix(0, 0) },
	}
	q := task.Request{
		Action: openapitask.ActionPutEvents, Account: "1", Region: "cn-hangzhou", Flow: "f",
		Parameters: json.RawMessage(
			`{"id":"1","source":"s","type":"t","eventBusName":"bus","data":{"n":1}}`,
		),
	}
	if got := events.Run(t.Context(), q); got.Error != nil || string(got.Output) != s.response {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	const want = `[{"aliyuneventbusname":"bus","data":{"n":1},` +
		`"datacontenttype":"application/json; charset=utf-8","id":"1","source":"s",` +
		`"specversion":"1.0","subject":"acs:fnf:cn-hangzhou:1:flow/f",` +
		`"time":"1970-01-01T00:00:00Z","type":"t"}]`
	if s.body != want || s.path != "/openapi/putEvents" ||
		!strings.HasPrefix(s.header.Get("Authorization"), "acs:a:") {
		t.Errorf("%s\n%s %v", s.body, s.path, s.header)
	}
	s.response = `{"failedEntryCount":1,"entryList":[{"errorCode":"EventBusNotExist",` +
		`"errorMessage":"no bus"}]}`
	if got := events.Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "EventBridge.EventBusNotExist" {
		t.Errorf("%v", got.Error)
	}
	s.status, s.response = 403, `{"code":"EventBusNoPermission","message":"m","requestId":"r"}`
	if got := events.Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "EventBridge.EventBusNoPermission" {
		t.Errorf("%v", got.Error)
	}
	for _, bad := range []string{
		`{}`, `7`, `{"id":1,"source":"s","type":"t","eventBusName":"b"}`,
		`{"id":"1","source":"s","type":"t","eventBusName":"b","subject":{}}`,
	} {
		q.Parameters = json.RawMessage(bad)
		if got := events.Run(t.Context(), q); got.Error == nil ||
			got.Error.Name != "EventBridge.InvalidArgument" {
			t.Errorf("%s: %v", bad, got.Error)
		}
	}
}

func TestSendSms(t *testing.T) {
	s := &api{status: 200, response: `{"Code":"OK","Message":"OK","BizId":"b","RequestId":"r"}`}
	sms := &openapitask.SMS{Service: service(t, s)}
	q := task.Request{
		Action: openapitask.ActionSendSms,
		Parameters: json.RawMessage(
			`{"phoneNumbers":"1,2","signName":"s","templateCode":"t","templateParam":{"n":1}}`,
		),
	}
	got := sms.Run(t.Context(), q)
	var out struct {
		EntryList struct{ BizId, Code string }
		Headers   map[string]string
	}
	if got.Error != nil || json.Unmarshal(got.Output, &out) != nil || out.EntryList.BizId != "b" ||
		out.Headers["X-Acs-Request-Id"] != "r1" {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	if want := (url.Values{"PhoneNumbers": {"1,2"}, "SignName": {"s"}, "TemplateCode": {"t"},
		"TemplateParam": {`{"n":1}`}}); s.values.Encode() != want.Encode() {
		t.Errorf("%v", s.values)
	}
	s.response = `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"m"}`
	if got := sms.Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "SMS.isv.BUSINESS_LIMIT_CONTROL" {
		t.Errorf("%v", got.Error)
	}
	q.Parameters = json.RawMessage(`{"phoneNumbers":"1"}`)
	if got := sms.Run(t.Context(), q); got.Error == nil || got.Error.Name != "SMS.InvalidArgument" {
		t.Errorf("%v", got.Error)
	}
}
