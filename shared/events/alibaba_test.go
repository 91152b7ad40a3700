package events_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"millrace/shared/events"
)

const recordedHint = `{"v":1,"kind":"step","ex":"flow/order/exec/run-1","seq":7,` +
	`"token":"01J0000000000000000000000A"}`

func TestKindsOfAlibaba(t *testing.T) {
	for name, want := range map[string]events.Kind{
		"fc-mns-queue-event-driven":        events.MNSBatch,
		"fc-mns-queue-streaming-rawdata":   events.MNSBatch,
		"fc-mns-queue-streaming-undecoded": events.MNSBatch,
		"fc-mns-queue-streaming":           events.MNSBatch,
		"fc-mns-topic-json":                events.MNSBatch,
		"fc-mns-topic-stream":              events.MNSBatch,
		"fc-oss-trigger":                   events.ObjectEvent,
		"fc-oss-eventbridge":               events.ObjectEvent,
		"fc-oss-mns":                       events.ObjectEvent,
		"fc-timer":                         events.TickEvent,
		"fc3-http-trigger":                 events.HTTPRequest,
		"fc3-http-trigger-binary":          events.HTTPRequest,
		"fc-destination":                   events.AsyncResultEvent,
		"fc-destination-failed":            events.AsyncResultEvent,
	} {
		if got := events.KindOf(recorded(t, name)); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for event, want := range map[string]events.Kind{
		`{"v":1,"p":"x#1#a"}`: events.HintEvent,
		" \n[]":               events.MNSBatch,
		`[7`:                  events.Unknown,
		`{"specversion":"1.0","type":"oss:BucketCreated:PutBucket"}`: events.Unknown,
		`{"specversion":"1.0","type":"ecs:Instance:StateChange"}`:    events.Unknown,
		`{"events":[{"eventSource":"acs:other"}]}`:                   events.Unknown,
		// A publisher on a bus chooses almost all members of an event. So only its type counts, and
		// every name must occur once.
		`{"specversion":"1.0","type":"x","kind":"sweep"}`: events.Unknown,
		`{"specversion":"1.0","type":"x","triggerTime":"2025-11-22T10:00:00Z",` +
			`"triggerName":"n"}`: events.Unknown,
		`{"specversion":"1.0","type":"x","Records":[{"eventSource":"aws:sqs"}]}`: events.Unknown,
		`{"specversion":"1.0","type":"x","v":1,"p":"x#1#a"}`:                     events.Unknown,
		`{"specversion":"1.0","type":"mns:x","aliyuneventbusname":"a",` +
			`"aliyuneventbusname":"default"}`: events.Unknown,
		`{"specversion":"1.0","type":"oss:ObjectCreated:x","type":"mns:x"}`: events.Unknown,
		`{"TopicName":"orders","Message":"text",` +
			`"specversion":"1.0","aliyuneventbusname":"a"}`: events.Unknown,
		`{"triggerTime":"2025-11-22T10:00:00Z"}`:                        events.Unknown,
		`{"requestContext":{"functionArn":"acs:ecs:x","condition":""}}`: events.Unknown,
	} {
		if got := events.KindOf([]byte(event)); got != want {
			t.Errorf("%s is %v, want %v", event, got, want)
		}
	}
}

func TestMNSMessages(t *testing.T) {
	const queue = "acs:mns:cn-hangzhou:1234567890123456:queues/wf-steps"
	const bus = "eventbus/MNS-wf-runner-queue"
	for name, want := range map[string][]events.Message{
		"fc-mns-queue-event-driven": {{
			ID:     "C6DB60D1574661357FA2000000000001",
			Body:   recordedHint,
			Source: queue,
			Bus:    bus,
		}},
		"fc-mns-queue-streaming-undecoded": {{
			ID:     "C6DB60D1574661357FA2000000000003",
			Body:   recordedHint,
			Source: queue,
			Bus:    bus,
		}},
		"fc-mns-queue-streaming": {{
			ID:     "C6DB60D1574661357FA2000000000001",
			Body:   recordedHint,
			Source: queue,
			Bus:    bus,
		},
			{
				ID:     "C6DB60D1574661357FA2000000000002",
				Body:   strings.Replace(recordedHint, `"seq":7`, `"seq":8`, 1),
				Source: queue,
				Bus:    bus,
			}},
		"fc-mns-queue-streaming-rawdata": {{Body: recordedHint}},
		"fc-mns-topic-json": {{
			ID:     "3405CA51807661353B3A000000000001",
			Body:   recordedHint,
			Source: "wf-events",
		}},
		"fc-mns-topic-stream": {{Body: recordedHint}},
	} {
		got, err := events.DecodeMNS(recorded(t, name))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestMNSForms covers every form that a message may have, because the cloud's documentation leaves
// some of them open.
func TestMNSForms(t *testing.T) {
	const hint = `{"v":1,"p":"x#1#a"}`
	quoted, _ := json.Marshal(hint)
	in64 := base64.StdEncoding.EncodeToString([]byte(hint))
	cloud := func(data string) string {
		return `{"specversion":"1.0","id":"i","type":"mns:Queue:SendMessage",` +
			`"subject":"s","data":` + data + `}`
	}
	dataText, _ := json.Marshal(`{"messageId":"m","messageBody":` + string(quoted) + `}`)
	for _, c := range []struct {
		event string
		want  []events.Message
	}{
		{`[]`, []events.Message{}},
		{hint, []events.Message{{Body: hint}}},
		{`[` + string(quoted) + `]`, []events.Message{{Body: hint}}},
		{`["` + in64 + `"]`, []events.Message{{Body: hint}}},
		{`[` + hint + `]`, []events.Message{{Body: hint}}},
		{`[{"requestId":"r","messageId":"m","messageBody":` + hint + `}]`,
			[]events.Message{{ID: "m", Body: hint}}},
		{`[{"messageId":"m","messageBody":"` + in64 + `"}]`,
			[]events.Message{{ID: "m", Body: hint}}},
		{cloud(`{"messageId":"m","messageBody":` + string(quoted) + `}`),
			[]events.Message{{ID: "m", Body: hint, Source: "s"}}},
		{cloud(`{"messageBody":` + hint + `}`),
			[]events.Message{{ID: "i", Body: hint, Source: "s"}}},
		{cloud(string(dataText)), []events.Message{{ID: "m", Body: hint, Source: "s"}}},
		{cloud(string(quoted)), []events.Message{{ID: "i", Body: hint, Source: "s"}}},
		{cloud(hint), []events.Message{{ID: "i", Body: hint, Source: "s"}}},
		{cloud(`null`), []events.Message{{ID: "i", Source: "s"}}},
		{`[7,null,true,["x"],{"a":1},"plain text","QUJD"]`,
			[]events.Message{{Body: "7"}, {Body: ""}, {Body: "true"}, {Body: `["x"]`},
				{Body: `{"a":1}`}, {Body: "plain text"}, {Body: "QUJD"}}},
		{`[{"specversion":"1.0","type":"mns:x","subject":"s","subject":"t","data":""}]`,
			[]events.Message{{Body: `{"specversion":"1.0","type":"mns:x","subject":"s",` +
				`"subject":"t","data":""}`}}},
		{`[{"specversion":"1.0","type":"x","messageId":"m","messageBody":"b"}]`,
			[]events.Message{{Body: `{"specversion":"1.0","type":"x","messageId":"m",` +
				`"messageBody":"b"}`}}},
		{`[{"specversion":7}]`, []events.Message{{Body: `{"specversion":7}`}}},
	} {
		got, err := events.DecodeMNS([]byte(c.event))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.event, got, err)
		}
	}
	for _, event := range []string{"", "null", "7", `{}`, `{"Records":[{"eventSource":"aws:sqs"}]}`,
		`[1`} {
		if _, err := events.DecodeMNS([]byte(event)); !errors.Is(err, events.ErrKind) {
			t.Errorf("%s: %v", event, err)
		}
	}
	if _, err := events.DecodeMNS(append([]byte{'['},
		make([]byte, events.EventMax)...)); !errors.Is(err, events.ErrMalformed) {
		t.Errorf("oversized: %v", err)
	}
}

func TestFCRequests(t *testing.T) {
	h, err := events.DecodeHTTP(recorded(t, "fc3-http-trigger"))
	if err != nil {
		t.Fatal(err)
	}
	if h.Form != events.FormFC || h.Method != "POST" || h.Path != "/" ||
		h.RawQuery != "Action=StartExecution" || string(h.Body) != startBody ||
		h.Host != "wf-api-abcdefghij.cn-hangzhou.fcapp.run" || h.SourceIP != "203.0.113.7" ||
		h.RequestID != "1-64f6cd87-0001" ||
		h.Header["X-Two"][0] != "a,b" ||
		h.Header["Content-Type"][0] != "application/x-www-form-urlencoded" {
		t.Errorf("%+v", h)
	}
	h, err = events.DecodeHTTP(recorded(t, "fc3-http-trigger-binary"))
	if err != nil || h.Path != "/a%20b" || h.RawQuery != "p=v1%2Cv2" ||
		string(h.Body) != "\x00\x01\xff" || h.Host != "x.cn-hangzhou.fcapp.run" {
		t.Errorf("%+v, %v", h, err)
	}
	// All four members are always present.
	var want map[string]any
	json.Unmarshal(recorded(t, "fc3-http-response"), &want)
	var got map[string]any
	json.Unmarshal(h.Reply(
		200, map[string][]string{"Content-Type": {"application/json;charset=utf-8"}},
		[]byte(`{"RequestId":"r"}`)), &got)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("reply %v, want %v", got, want)
	}
	if got := string(h.Reply(204, nil, nil)); got != `{"statusCode":204,"headers":{},"body":"",`+
		`"isBase64Encoded":false}` {
		t.Error(got)
	}
	for _, event := range []string{
		`{"version":"v1","isBase64Encoded":true,"body":"%%",` +
			`"requestContext":{"http":{"method":"GET"}}}`,
		`{"version":"v1","requestContext":{"http":{}}}`,
		`{"version":"v1","queryParameters":[1],"requestContext":{"http":{"method":"GET"}}}`,
	} {
		if _, err := events.DecodeHTTP([]byte(event)); !errors.Is(err, events.ErrMalformed) {
			t.Errorf("%s: %v", event, err)
		}
	}
}

func TestOSS(t *testing.T) {
	names := map[string]bool{}
	for _, file := range []string{"fc-oss-trigger", "fc-oss-eventbridge", "fc-oss-mns"} {
		starts, err := events.DecodeStartEvents(recorded(t, file))
		if err != nil || len(starts) != 1 {
			t.Fatal(file, starts, err)
		}
		s := starts[0]
		names[s.Name("1", "f")] = true
		if s.Source != "acs:oss" || s.Event != "ObjectCreated:PutObject" ||
			s.Bucket != "my-bucket" || s.Key != "in/订单 1.json" || s.Size != 29203 ||
			s.ETag != "7D73E1052AF595535DE90994F4C3E6D5" || s.Region != "cn-hangzhou" ||
			s.RequestID != "62A2E2EFD0DEFE3930847A6E" || s.Time != "2025-11-22T10:00:00.000Z" {
			t.Errorf("%s: %+v", file, s)
		}
		var input map[string]any
		if err := json.Unmarshal(s.Input(1<<20), &input); err != nil ||
			input["key"] != "in/订单 1.json" || input["source"] != "acs:oss" ||
			input["sequencer"] != nil || input["record"] == nil {
			t.Errorf("%s: input %v", file, input)
		}
	}
	if len(names) != 1 {
		t.Errorf("one event has the names %v", names)
	}
	record := func(change string) string {
		return `{"events":[` + strings.Replace(`{"eventName":"ObjectCreated:PutObject",`+
			`"eventSource":"acs:oss","eventTime":"t","region":"r",`+
			`"responseElements":{"requestId":"q"},`+
			`"oss":{"bucket":{"name":"b"},"object":{"key":"k%20+","size":1,"deltaSize":1,`+
			`"eTag":"e"}}}`, "CHANGE", change, 1) + `]}`
	}
	all := map[string]bool{}
	base := record("")
	for _, c := range [][2]string{{`"x`, `"x`}, {`"q"`, `"q2"`}, {`"k%20+"`, `"k"`},
		{`"b"`, `"b2"`}, {`PutObject`, `PostObject`}, {`"e"`, `"e2"`}, {`"r"`, `"r2"`},
		{`"q"`, `""`}, {`"q"},"oss":{"bucket":{"name":"b"},"object":{"key":"k%20+","size":1`,
			`""},"oss":{"bucket":{"name":"b"},"object":{"key":"k%20+","size":2`}} {
		starts, err := events.DecodeStartEvents([]byte(strings.Replace(base, c[0], c[1], 1)))
		if err != nil {
			t.Fatal(c, err)
		}
		if n := starts[0].Name("1", "f"); all[n] || !strings.HasPrefix(n, "oss-") {
			t.Errorf("%v: %s stands for two events", c, n)
		} else {
			all[n] = true
		}
		if c[0] == `"x` && starts[0].Key != "k%20+" {
			t.Error("the key of OSS was decoded")
		}
	}
	for _, bad := range []string{`{"events":[{"eventSource":"acs:oss"}]}`,
		`{"events":[{"eventSource":"acs:oss","eventName":"x","oss":7}]}`,
		`{"specversion":"1.0","type":"oss:ObjectCreated:PutObject","data":7}`,
		`{"specversion":"1.0","type":"oss:ObjectCreated:PutObject"}`} {
		if _, err := events.DecodeStartEvents([]byte(bad)); !errors.Is(err, events.ErrMalformed) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestTimerAndMessageStarts(t *testing.T) {
	if err := events.DecodeTick(recorded(t, "fc-timer")); err != nil {
		t.Error(err)
	}
	timer, err := events.DecodeStartEvents(recorded(t, "fc-timer"))
	if err != nil || len(timer) != 1 || timer[0].Source != events.SourceTimer ||
		timer[0].Origin != "sweep" {
		t.Fatal(timer, err)
	}
	const want = `{"event":"Timer","origin":"sweep","payload":{"kind":"sweep"},"region":null,` +
		`"requestId":null,"source":"acs:timer","time":"2025-11-22T10:00:00Z"}`
	if got := string(timer[0].Input(1 << 20)); got != want {
		t.Error(got)
	}
	again, _ := events.DecodeStartEvents([]byte(`{"triggerTime":"2025-11-22T10:00:00.123Z",` +
		`"triggerName":"sweep","payload":""}`))
	later, _ := events.DecodeStartEvents([]byte(`{"triggerTime":"2025-11-22T10:00:01Z",` +
		`"triggerName":"sweep","payload":"not JSON"}`))
	if again[0].Name("1", "f") != timer[0].Name("1", "f") ||
		later[0].Name("1", "f") == timer[0].Name("1", "f") ||
		!strings.Contains(string(later[0].Input(1<<20)), `"payload":"not JSON"`) {
		t.Error(again, later)
	}
	if _, err := events.DecodeStartEvents(
		[]byte(`{"triggerTime":"now","triggerName":"sweep"}`)); !errors.Is(err,
		events.ErrMalformed) {
		t.Error(err)
	}
	if starts, err := events.DecodeStartEvents([]byte(`{"kind":"sweep"}`)); !errors.Is(err,
		events.ErrKind) {
		t.Error(starts, err)
	}
	messages, _ := events.DecodeMNS(recorded(t, "fc-mns-queue-streaming"))
	a, err := events.StartEventOf(messages[0])
	if err != nil || a.Origin != "wf-steps" || a.Region != "cn-hangzhou" ||
		!strings.HasPrefix(a.Name("1", "f"), "mns-") {
		t.Error(a, err)
	}
	b, _ := events.StartEventOf(messages[1])
	if a.Name("1", "f") == b.Name("1", "f") {
		t.Error("two messages have one name")
	}
	if _, err := events.StartEventOf(events.Message{Body: "x"}); !errors.Is(err,
		events.ErrMalformed) {
		t.Error(err)
	}
}

func TestFCDestination(t *testing.T) {
	ok, err := events.DecodeAsyncResult(recorded(t, "fc-destination"))
	if err != nil || ok.Failed || ok.RequestID != "1-69a1-0009" ||
		string(ok.Payload) != `"{\"paid\":true}"` {
		t.Errorf("%+v %v", ok, err)
	}
	failed, err := events.DecodeAsyncResult(recorded(t, "fc-destination-failed"))
	if err != nil || !failed.Failed || failed.Condition != "RetriesExhausted" {
		t.Errorf("%+v %v", failed, err)
	}
}
