package actiontask_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/task"
	"millrace/shared/task/actiontask"
	"millrace/tests/support/port"
)

// service starts a program that returns the same response to every call. It returns the program's
// address and the requests that it gets.
func service(t *testing.T, status int, body string) (string, <-chan string) {
	t.Helper()
	requests := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		requests <- r.Method + " " + r.Header.Get(actiontask.KeyHeader) + " " + string(text)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func newRunner(t testing.TB, actions ...task.Mapping) *actiontask.Runner {
	t.Helper()
	client, err := httpclient.New(httpclient.Options{AllowLoopback: true, MaxResponse: 10000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return actiontask.New(actions, client)
}

func TestFirstMatchAnswers(t *testing.T) {
	runner := newRunner(t,
		task.Mapping{Match: "MNS:SendMessage", Reply: json.RawMessage(`{"MessageId":"1"}`)},
		task.Mapping{Match: "MNS:*", Reply: json.RawMessage(`{"MessageId":"2"}`)},
		task.Mapping{Match: "ocr:*", Error: &flow.Error{Name: "ocr.Timeout", Cause: "slow"}},
	)
	tests := []struct{ action, output, name string }{
		{"MNS:SendMessage", `{"MessageId":"1"}`, ""},
		{"mns::SendMessage", `{"MessageId":"1"}`, ""},
		{"MNS:Other", `{"MessageId":"2"}`, ""},
		{"ocr:Recognize", "", "ocr.Timeout"},
		{"OCR:Recognize", "", "ocr.Timeout"},
		{"ECS:DescribeInstances", "", "ECS.ActionNotSupported"},
	}
	for _, test := range tests {
		got := runner.Run(context.Background(), task.Request{Action: test.action})
		name := ""
		if got.Error != nil {
			name = got.Error.Name
		}
		if string(got.Output) != test.output || name != test.name {
			t.Errorf("%s: %s, %v", test.action, got.Output, got.Error)
		}
	}
	got := newRunner(t).Run(context.Background(), task.Request{
		Action: "ocr:Recognize", Dialect: flow.FlowV1,
	})
	if got.Error == nil || got.Error.Name != "ocr.UnsupportedOperation" {
		t.Errorf("FlowV1: %v", got)
	}
}

func TestQuestion(t *testing.T) {
	address, requests := service(t, 200, `{"ok":true}`)
	r := task.Request{
		Account: "1", Region: "cn-hangzhou", Flow: "f", Execution: "e", State: "s", Dialect: flow.FlowV1,
		Action:   "MNS:SendMessage",
		Resource: "acs:mns:::/queues/q/messages", Mode: flow.WaitForCustomCallback,
		Parameters: json.RawMessage(`{"MessageBody":{"a":1}}`),
		Input:      json.RawMessage(`{"b":2}`), Token: "tok", Key: "k",
	}
	got := newRunner(t, task.Mapping{Match: "*", HTTP: address}).Run(context.Background(), r)
	if got.Error != nil || string(got.Output) != `{"ok":true}` {
		t.Errorf("%s, %v", got.Output, got.Error)
	}
	const want = `POST k {"account":"1","action":"MNS:SendMessage","execution":"e","flow":"f",` +
		`"input":{"b":2},"key":"k",` +
		`"legacy":true,"mode":"WaitForCustomCallback","parameters":{"MessageBody":{"a":1}},` +
		`"region":"cn-hangzhou",` +
		`"resource":"acs:mns:::/queues/q/messages","state":"s","token":"tok"}`
	if q := <-requests; q != want {
		t.Errorf("asked %s", q)
	}
}

// Short names for tables.
const (
	complete = flow.RequestComplete
	custom   = flow.WaitForCustomCallback
)

func TestAnswers(t *testing.T) {
	tests := []struct {
		name, body   string
		status       int
		flowV1       bool
		mode         flow.TaskMode
		output, fail string
	}{
		{"nothing", "", 200, false, complete, "{}", ""},
		{"accepted", `[1]`, 202, false, complete, "[1]", ""},
		{"a text", "hello", 200, false, complete, `"hello"`, ""},
		{"a text in FlowV1", "hello", 200, true, complete, "", "FnF.InvalidLocal"},
		{"a byte order mark", "\uFEFF{}", 200, true, complete, "{}", ""},
		{"binary", "\xff\x00", 200, false, complete, "", "FnF.InvalidLocal"},
		{"binary in FlowV1", "\xff\x00", 200, true, complete, "", "FnF.InvalidLocal"},
		{"binary that does not count", "\xff\x00", 200, false, custom, "{}", ""},
		{
			"half a surrogate pair", `{"\ud800":1}`, 200, false, complete, "",
			"FnF.InvalidLocal",
		},
		{
			"a marked code", "\uFEFF{\"Code\":\"QueueNotExist\"}", 404, false, complete, "",
			"MNS.QueueNotExist",
		},
		{"a text that does not count", "hello", 200, true, custom, "{}", ""},
		{
			"an error type", `{"errorType":"Boom","errorMessage":"m"}`, 500, false, complete,
			"", "Boom",
		},
		{
			"a code", `{"Code":"QueueNotExist","Message":"m"}`, 404, false, complete, "",
			"MNS.QueueNotExist",
		},
		{
			"another spelling", `{"errorCode":"QueueNotExist"}`, 404, false, complete, "",
			"MNS.QueueNotExist",
		},
		{"throttled", "x", 429, false, complete, "", "MNS.ResourceThrottled"},
		{"broken", `{"Code":7}`, 500, false, complete, "", "MNS.InternalServerError"},
		{"redirected", "", 302, false, complete, "", "MNS.Unknown"},
		{
			"too large", strings.Repeat("x", 10001), 200, false, complete, "",
			"MNS.EntityTooLarge",
		},
	}
	for _, test := range tests {
		address, _ := service(t, test.status, test.body)
		got := newRunner(t, task.Mapping{Match: "MNS:*", HTTP: address}).Run(context.Background(),
			task.Request{Action: "MNS:SendMessage", Dialect: dialect(test.flowV1), Mode: test.mode})
		name := ""
		if got.Error != nil {
			name = got.Error.Name
		}
		if string(got.Output) != test.output || name != test.fail {
			t.Errorf("%s: %s, %v", test.name, got.Output, got.Error)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// The server notices that the client has gone only after it has read the body.
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	slow := newRunner(t, task.Mapping{Match: "*", HTTP: server.URL, Timeout: time.Millisecond})
	if got := slow.Run(context.Background(), task.Request{Action: "A:B"}); got.Error == nil ||
		got.Error.Name != "A.RequestFailed" {
		t.Errorf("a slow service: %v", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := newRunner(t, task.Mapping{Match: "*", HTTP: server.URL}).Run(ctx,
		task.Request{Action: "A:B"}); got.Error == nil {
		t.Error("a canceled call succeeded")
	}
	server.Close()
	nobody, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	gone := newRunner(t, task.Mapping{Match: "*", HTTP: "http://" + nobody})
	if got := gone.Run(context.Background(), task.Request{Action: "A:B"}); got.Error == nil ||
		got.Error.Name != "A.RequestFailed" {
		t.Errorf("no service: %v", got)
	}
}

func TestBefore(t *testing.T) {
	next := task.RunnerFunc(func(context.Context, task.Request) task.Result {
		return task.Result{Output: json.RawMessage(`"next"`)}
	})
	r := actiontask.New([]task.Mapping{{Match: "MNS:*", Reply: json.RawMessage(`1`)}},
		nil).Before(next)
	for action, want := range map[string]string{
		"MNS:SendMessage": "1", "mns:X": "1", "ECS:X": `"next"`,
	} {
		if got := r.Run(t.Context(), task.Request{Action: action}); got.Error != nil ||
			string(got.Output) != want {
			t.Errorf("%s: %s %v", action, got.Output, got.Error)
		}
	}
}

// dialect returns FlowV1 or StateMachine.
func dialect(flowV1 bool) flow.Dialect {
	if flowV1 {
		return flow.FlowV1
	}
	return flow.StateMachine
}
