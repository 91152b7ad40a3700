package mnstask_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/mnstask"
	"millrace/tests/clouds/emulators/alibaba/mns"
)

func emulated(t *testing.T) (*mns.Server, *mnstask.Runner) {
	t.Helper()
	s := mns.New(mns.Options{})
	s.CreateQueue("q")
	s.CreateTopic("t")
	return s, mnstask.New(mnstask.Options{HTTP: &http.Client{Transport: s.Transport()},
		Endpoints: acs.Endpoints{Account: mns.AccountID, Region: mns.Region},
		Credentials: alibaba.Static(alibaba.Credentials{
			AccessKeyID: mns.AccessKeyID, AccessKeySecret: mns.AccessKeySecret,
		})})
}

func request(parameters string) task.Request {
	return task.Request{
		Action: mnstask.Action, Account: "mine", Region: "local",
		Parameters: json.RawMessage(parameters),
	}
}

func TestSend(t *testing.T) {
	s, r := emulated(t)
	tests := []struct {
		q    task.Request
		body string
	}{
		{
			request(`{"resourceArn":"acs:mns:::/queues/q/messages","message":"<text> & é"}`),
			"<text> & é",
		},
		{
			request(`{"resourceArn":"acs:mns:cn-hangzhou:1234567890123456:/queues/q/messages",` +
				`"message":{"b":1,"a":"x"},"priority":1,"delaySeconds":"60"}`), `{"b":1,"a":"x"}`,
		},
		{
			task.Request{Action: mnstask.Action, Dialect: flow.FlowV1,
				Resource: "acs:mns:::/queues/q/messages",
				Parameters: json.RawMessage(`{"MessageBody":{"in":1},"Priority":16,` +
					`"DelaySeconds":0}`)}, `{"in":1}`,
		},
		{
			task.Request{Action: mnstask.Action, Dialect: flow.FlowV1,
				Resource:   "acs:mns:::/queues/q/messages",
				Parameters: json.RawMessage(`{"MessageBody":"text"}`)}, `text`,
		},
	}
	for _, test := range tests {
		got := r.Run(t.Context(), test.q)
		var out struct{ MessageId, RequestId, MessageBodyMD5 string }
		if got.Error != nil || json.Unmarshal(got.Output, &out) != nil || out.MessageId == "" ||
			out.RequestId == "" || len(out.MessageBodyMD5) != 32 {
			t.Errorf("%s: %s %v", test.q.Parameters, got.Output, got.Error)
		}
		bodies := s.Bodies("q")
		if last := bodies[len(bodies)-1]; last != test.body {
			t.Errorf("sent %q, want %q", last, test.body)
		}
	}
}

func TestPublish(t *testing.T) {
	s, r := emulated(t)
	for _, q := range []task.Request{
		request(
			`{"resourceArn":"acs:mns:::/topics/t/messages","message":{"n":1},"messageTag":"tag",` +
				`"messageAttributes":{"MailAttributes":{"Subject":"s"},` +
				`"SMSAttributes":{"Type":"x"}}}`,
		),
		{
			Action: mnstask.Action, Dialect: flow.FlowV1, Resource: "acs:mns:::/topics/t/messages",
			Parameters: json.RawMessage(
				`{"MessageBody":"{\"n\":1}","MessageTag":"tag","MessageAttributes":"{}"}`,
			),
		},
	} {
		if got := r.Run(t.Context(), q); got.Error != nil ||
			!strings.Contains(string(got.Output), "MessageId") {
			t.Errorf("%s %v", got.Output, got.Error)
		}
	}
	if got := s.Published("t"); len(got) != 2 || got[0] != `{"n":1}` || got[1] != `{"n":1}` {
		t.Errorf("%q", got)
	}
}

func TestFailures(t *testing.T) {
	s, r := emulated(t)
	queue := `"resourceArn":"acs:mns:::/queues/q/messages"`
	tests := []struct{ parameters, name, cause string }{
		{
			`{"resourceArn":"acs:mns:::/queues/none/messages","message":"m"}`, "MNS.QueueNotExist",
			"request",
		},
		{
			`{"resourceArn":"acs:mns:::/topics/none/messages","message":"m"}`, "MNS.TopicNotExist",
			"",
		},
		{`{` + queue + `,"message":"` + strings.Repeat("x", 70000) + `"}`, "MNS.", ""},
		{`{` + queue + `}`, "MNS.InvalidArgument", "message is required"},
		{`{` + queue + `,"message":""}`, "MNS.InvalidArgument", "message is required"},
		{`{` + queue + `,"message":"\u0001"}`, "MNS.InvalidArgument", "U+0001"},
		{`{` + queue + `,"message":"m","priority":17}`, "MNS.InvalidArgument", "1 to 16"},
		{
			`{` + queue + `,"message":"m","delaySeconds":604801}`, "MNS.InvalidArgument",
			"0 to 604800",
		},
		{`{` + queue + `,"message":"m","delaySeconds":1.5}`, "MNS.InvalidArgument", "whole number"},
		{
			`{` + queue + `,"message":"m","messageAttributes":7}`, "MNS.InvalidArgument",
			"messageAttributes",
		},
		{`{"message":"m"}`, "MNS.InvalidArgument", "resourceArn is required"},
		{
			`{"message":"m","resourceArn":"acs:mns:::/queues/../messages"}`, "MNS.InvalidArgument",
			"",
		},
		{
			`{"message":"m","resourceArn":"acs:mns:::/queues/q/messages/x"}`, "MNS.InvalidArgument",
			"",
		},
		{`{"message":"m","resourceArn":"acs:mns:::/buckets/q"}`, "MNS.InvalidArgument", "neither"},
		{
			`{"message":"m","resourceArn":"acs:mns:evil.example:1:/queues/q/messages"}`,
			"MNS.InvalidArgument", "region",
		},
		{
			`{"message":"m","resourceArn":"acs:mns::1.evil:/queues/q/messages"}`,
			"MNS.InvalidArgument", "account",
		},
		{`7`, "MNS.InvalidArgument", "object"},
	}
	for _, test := range tests {
		got := r.Run(t.Context(), request(test.parameters))
		if got.Error == nil || !strings.HasPrefix(got.Error.Name, test.name) ||
			got.Error.Name == "MNS." || !strings.Contains(got.Error.Cause, test.cause) {
			t.Errorf("%.100s: %v, want %s", test.parameters, got.Error, test.name)
		}
	}
	if n := len(s.Bodies("q")); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

// answer simulates a service that always returns the same response.
type answer struct {
	status int
	body   string
	err    error
}

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func TestBrokenCalls(t *testing.T) {
	const good = `{"resourceArn":"acs:mns:::/queues/q/messages","message":"m"}`
	key := alibaba.Static(alibaba.Credentials{AccessKeyID: "a", AccessKeySecret: "b"})
	run := func(ctx context.Context, k alibaba.Provider, a answer) *flow.Error {
		r := mnstask.New(mnstask.Options{
			HTTP:      &http.Client{Transport: a},
			Endpoints: acs.Endpoints{Account: "1", Region: "cn-x"}, Credentials: k,
		})
		return r.Run(ctx, request(good)).Error
	}
	ended, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	tests := []struct {
		name string
		got  *flow.Error
	}{
		{
			"MNS.AccessDenied",
			run(t.Context(), key, answer{
				status: 403, body: `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`,
			}),
		},
		{"MNS.InternalError", run(t.Context(), key, answer{status: 502, body: `<html>`})},
		{"MNS.Unknown", run(t.Context(), key, answer{status: 404, body: ``})},
		{"MNS.Unknown", run(t.Context(), key, answer{err: errors.New("reset")})},
		{"MNS.Unknown", run(ended, key, answer{err: errors.New("reset")})},
		{"MNS.AccessDenied", run(t.Context(), alibaba.Static(alibaba.Credentials{}), answer{})},
	}
	for _, test := range tests {
		if test.got == nil || test.got.Name != test.name {
			t.Errorf("%v, want %s", test.got, test.name)
		}
	}
	if !strings.Contains(tests[0].got.Cause, "mns:SendMessage") {
		t.Error(tests[0].got)
	}
}

func FuzzRun(f *testing.F) {
	f.Add(`{"resourceArn":"acs:mns:::/queues/q/messages","message":"m","priority":3}`,
		"acs:mns:::/topics/t/messages", true)
	f.Add(`{"MessageBody":{},"MessageAttributes":{"MailAttributes":"x"}}`, "acs:mns:a:b:/queues/q",
		false)
	r := mnstask.New(mnstask.Options{
		HTTP:        &http.Client{Transport: answer{err: errors.New("refused")}},
		Endpoints:   acs.Endpoints{Account: "1", Region: "cn-x"},
		Credentials: alibaba.Static(alibaba.Credentials{AccessKeyID: "a", AccessKeySecret: "b"})})
	f.Fuzz(func(t *testing.T, parameters, resource string, flowV1 bool) {
		got := r.Run(context.Background(), task.Request{
			Action: mnstask.Action, Parameters: json.RawMessage(parameters), Resource: resource,
			Dialect: dialect(flowV1),
		})
		if got.Error == nil || got.Error.Name == "" {
			t.Fatal("a refused call succeeded")
		}
	})
}

// dialect returns FlowV1 or StateMachine.
func dialect(flowV1 bool) flow.Dialect {
	if flowV1 {
		return flow.FlowV1
	}
	return flow.StateMachine
}
