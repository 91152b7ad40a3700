package events_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"millrace/shared/events"
)

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const startBody = "Action=StartExecution&FlowName=order&" +
	"ExecutionName=run-1&Input=%7B%22a%22%3A1%7D" +
	"&RegionId=cn-hangzhou&Version=2019-03-15&Format=JSON"

func TestRecordedRequests(t *testing.T) {
	for name, host := range map[string]string{
		"aws-apigw-v1":     "abc123.execute-api.us-east-1.amazonaws.com",
		"aws-apigw-v2":     "abc123.execute-api.us-east-1.amazonaws.com",
		"aws-function-url": "u1.lambda-url.us-east-1.on.aws",
	} {
		h, err := events.DecodeHTTP(recorded(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if h.Method != "POST" || h.Path != "/" || h.RawQuery != "Tag=1&Tag=2" || h.Host != host ||
			h.SourceIP != "203.0.113.7" {
			t.Errorf("%s: %+v", name, h)
		}
		if !strings.HasPrefix(string(h.Body), startBody[:40]) {
			t.Errorf("%s: body %q", name, h.Body)
		}
		if got := strings.Join(h.Header["X-Two"], ","); got != "a,b" {
			t.Errorf("%s: header X-Two %q", name, got)
		}
		if len(h.Header["Content-Type"]) != 1 || len(h.Header["Host"]) != 0 {
			t.Errorf("%s: headers %v", name, h.Header)
		}
	}
}

func TestPathsAndHosts(t *testing.T) {
	v2 := func(path, stage, host string) string {
		headers := ""
		if host != "" {
			headers = `"host":"` + host + `"`
		}
		return `{"version":"2.0","routeKey":"$default","rawPath":"` + path + `","headers":{` +
			headers + `},"requestContext":{"stage":"` +
			stage + `","domainName":"d.example","http":{"method":"GET"}}}`
	}
	tests := []struct{ event, path, host string }{
		{v2("/", "$default", "h.example"), "/", "h.example"},
		{v2("/Prod", "Prod", ""), "/", "d.example"},
		{v2("/Prod/", "Prod", ""), "/", "d.example"},
		{v2("/Prod/healthz", "Prod", ""), "/healthz", "d.example"},
		{v2("/Production", "Prod", ""), "/Production", "d.example"},
		{v2("/healthz", "Prod", "custom.example"), "/healthz", "custom.example"},
		{`{"httpMethod":"GET","path":"/healthz","headers":null,"requestContext":{"stage":"Prod",` +
			`"domainName":"d.example"}}`, "/healthz", "d.example"},
		{`{"httpMethod":"GET","path":"","headers":{"HOST":"h.example:443"}}`, "/", "h.example:443"},
	}
	for _, test := range tests {
		h, err := events.DecodeHTTP([]byte(test.event))
		if err != nil {
			t.Errorf("%s: %v", test.event, err)
			continue
		}
		if h.Path != test.path || h.Host != test.host {
			t.Errorf("%s: path %q host %q", test.event, h.Path, h.Host)
		}
	}
}

func TestQueryOfRESTKeepsItsOrder(t *testing.T) {
	tests := []struct{ query, want string }{
		{`"multiValueQueryStringParameters":{"z":["2","1"],"a":["x y"],"m":["&="]}`,
			"z=2&z=1&a=x+y&m=%26%3D"},
		{`"queryStringParameters":{"b":"1","a":""}`, "b=1&a="},
		{`"queryStringParameters":null`, ""},
		{`"multiValueQueryStringParameters":{"a":[]},"queryStringParameters":{"a":"1"}`, "a=1"},
	}
	for _, test := range tests {
		h, err := events.DecodeHTTP([]byte(`{"httpMethod":"GET","path":"/",` + test.query + `}`))
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
		} else if h.RawQuery != test.want {
			t.Errorf("%s: %q, want %q", test.query, h.RawQuery, test.want)
		}
	}
}

func TestReplies(t *testing.T) {
	header := map[string][]string{
		"Content-Type": {"application/json"},
		"X-Two":        {"a", "b"},
		"Set-Cookie":   {"a=1", "b=2"},
		"Empty":        {},
	}
	tests := []struct {
		form events.Form
		body string
		want string
	}{
		{events.FormV1, "{}", `{"statusCode":200,"headers":{"Content-Type":"application/json"},` +
			`"multiValueHeaders":{"Set-Cookie":["a=1","b=2"],"X-Two":["a","b"]},"body":"{}",` +
			`"isBase64Encoded":false}`},
		{events.FormV2, "{}", `{"statusCode":200,"headers":{"Content-Type":"application/json",` +
			`"X-Two":"a,b"},"cookies":["a=1","b=2"],"body":"{}","isBase64Encoded":false}`},
		{events.FormV2, "\xff", `{"statusCode":200,` +
			`"headers":{"Content-Type":"application/json","X-Two":"a,b"},"cookies":["a=1",` +
			`"b=2"],"body":"/w==","isBase64Encoded":true}`},
	}
	for _, test := range tests {
		h := &events.HTTP{Form: test.form}
		if got := string(h.Reply(200, header, []byte(test.body))); got != test.want {
			t.Errorf("form %d: %s", test.form, got)
		}
	}
}

func TestWrongEvents(t *testing.T) {
	decoders := map[string]func([]byte) error{
		"http":    func(e []byte) error { _, err := events.DecodeHTTP(e); return err },
		"batch":   func(e []byte) error { _, err := events.DecodeBatch(e); return err },
		"starts":  func(e []byte) error { _, err := events.DecodeStartEvents(e); return err },
		"outcome": func(e []byte) error { _, err := events.DecodeAsyncResult(e); return err },
		"tick":    events.DecodeTick,
	}
	for _, event := range []string{"", "null", "[]", "{}", "not json", `{"Records":[]}`,
		`{"Records":[{"eventSource":"aws:kinesis"}]}`,
		`{"Records":[7]}`, `"text"`, strings.Repeat("[", 20000)} {
		for name, decode := range decoders {
			if err := decode([]byte(event)); !errors.Is(err, events.ErrKind) {
				t.Errorf("%s of %.20q: %v", name, event, err)
			}
		}
	}
	for _, event := range []string{
		`{"httpMethod":"POST","isBase64Encoded":true,"body":"%%"}`,
		`{"httpMethod":"POST","queryStringParameters":[1]}`,
		`{"httpMethod":"POST","body":{"a":1}}`,
		`{"version":"2.0","routeKey":"r","requestContext":{"http":{}}}`,
	} {
		if _, err := events.DecodeHTTP([]byte(event)); !errors.Is(err, events.ErrMalformed) {
			t.Errorf("%s: %v", event, err)
		}
	}
	if err := events.DecodeTick(make([]byte, events.EventMax+1)); !errors.Is(err,
		events.ErrMalformed) {
		t.Errorf("oversized: %v", err)
	}
}

// name matches the names of executions that events start.
var name = regexp.MustCompile(`^(s3|oss|mns|timer)-[0-9a-f]{32}$`)

func FuzzDecode(f *testing.F) {
	files, _ := os.ReadDir("testdata")
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ".json") {
			f.Add(recorded(f, strings.TrimSuffix(file.Name(), ".json")))
		}
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		kind := events.KindOf(event)
		h, err := events.DecodeHTTP(event)
		if (err == nil) != (h != nil) || err == nil &&
			(kind != events.HTTPRequest || !strings.HasPrefix(h.Path, "/")) {
			t.Fatalf("http: %v %v", h, err)
		}
		if h != nil && !json.Valid(h.Reply(200, h.Header, h.Body)) {
			t.Fatal("the reply is no JSON")
		}
		if m, err := events.DecodeBatch(event); err == nil &&
			(len(m) == 0 || kind != events.QueueBatch) {
			t.Fatal("an empty batch")
		}
		starts, _ := events.DecodeStartEvents(event)
		for _, s := range starts {
			if !name.MatchString(s.Name("1", "f")) || !json.Valid(s.Input(1<<20)) {
				t.Fatalf("start %+v", s)
			}
		}
		nested, _ := events.DecodeObjects(event)
		for _, s := range nested {
			if s.Bucket == "" || s.Key == "" || !name.MatchString(s.Name("1", "f")) {
				t.Fatalf("object %+v", s)
			}
		}
		notes, err := events.DecodeTopic(event)
		if err == nil && (kind != events.TopicEvent || len(notes) == 0) {
			t.Fatalf("notifications of kind %v", kind)
		}
		events.DecodeAsyncResult(event)
		events.DecodeTick(event)
		messages, err := events.DecodeMNS(event)
		if (err == nil) != (kind == events.MNSBatch || kind == events.HintEvent) {
			t.Fatalf("messages of kind %v: %v", kind, err)
		}
		for _, m := range messages {
			if s, err := events.StartEventOf(m); err == nil &&
				(!name.MatchString(s.Name("1", "f")) || !json.Valid(s.Input(1<<20))) {
				t.Fatalf("start %+v", s)
			}
		}
	})
}

func TestBatch(t *testing.T) {
	got, err := events.DecodeBatch(recorded(t, "aws-sqs-batch"))
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	want := events.Message{
		ID:       "00000000-0000-4000-8000-000000000003",
		Body:     "not json",
		Receives: 1,
		Source:   "arn:aws:sqs:us-east-1:123456789012:wf-steps",
	}
	if !reflect.DeepEqual(got[2], want) || got[1].Receives != 4 {
		t.Errorf("%+v", got)
	}
	for name, failed := range map[string][]string{
		"aws-sqs-batch-response-all-ok": nil,
		"aws-sqs-batch-response":        {want.ID},
	} {
		var a, b any
		json.Unmarshal(events.BatchReply(failed), &a)
		json.Unmarshal(recorded(t, name), &b)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %v", name, a)
		}
	}
	if _, err := events.DecodeBatch(
		[]byte(`{"Records":[{"eventSource":"aws:sqs","body":"x"}]}`)); !errors.Is(err,
		events.ErrMalformed) {
		t.Errorf("no id: %v", err)
	}
}

func TestTick(t *testing.T) {
	for _, event := range []string{string(recorded(t, "aws-scheduler")),
		`{"detail-type":"Scheduled Event","source":"aws.events"}`} {
		if err := events.DecodeTick([]byte(event)); err != nil {
			t.Error(err)
		}
	}
}

func TestOutcome(t *testing.T) {
	ok, err := events.DecodeAsyncResult(recorded(t, "aws-lambda-destination"))
	if err != nil || ok.Failed || ok.RequestID != "e4b46cbf-b738-xmpl-8880-a18cdf61200e" ||
		string(ok.Payload) != `{"paid": true}` {
		t.Errorf("%+v %v", ok, err)
	}
	failed, err := events.DecodeAsyncResult(recorded(t, "aws-lambda-destination-failed"))
	if err != nil || !failed.Failed || failed.Condition != "RetriesExhausted" ||
		!strings.Contains(string(failed.Payload), "NoFunds") {
		t.Errorf("%+v %v", failed, err)
	}
	if _, err := events.DecodeAsyncResult(
		[]byte(`{"requestContext":{"condition":"Success"}}`)); !errors.Is(err,
		events.ErrMalformed) {
		t.Errorf("without an id: %v", err)
	}
}
