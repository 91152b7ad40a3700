package functiontask_test

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
	"millrace/shared/task/functiontask"
	"millrace/tests/support/port"
)

// custom starts a custom runtime and returns its address.
func custom(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func httpFunction(match, address string) functiontask.Function {
	return functiontask.Function{Mapping: task.Mapping{Match: match, HTTP: address}}
}

func TestCustomRuntimeRequest(t *testing.T) {
	type seen struct {
		line, body string
		header     http.Header
	}
	got := make(chan seen, 1)
	address := custom(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Method + " " + r.URL.Path, string(body), r.Header}
		w.Header().Set("X-Fc-Status", "200")
		io.WriteString(w, `{"ok":true}`)
	})
	tests := []struct {
		name, body, event, path string
	}{
		{"an object", `{"a":1}`, `{"a":1}`, ""},
		{"a text", `"plain \"text\""`, `plain "text"`, "/"},
		{"nothing", `null`, "", "/invoke"},
	}
	for _, test := range tests {
		r := newRunner(t, functiontask.Options{
			Functions: []functiontask.Function{httpFunction("f", address+test.path)},
		})
		e := mustRun(t, r, request(test.body))
		s := <-got
		if s.line != "POST /invoke" || s.body != test.event || e.Code != 200 ||
			e.Body["ok"] != true {
			t.Errorf("%s: %s %q, %+v", test.name, s.line, s.body, e)
		}
		for name, want := range map[string]string{
			"x-fc-function-name": "f", "x-fc-region": "cn-hangzhou", "x-fc-account-id": "1",
			"x-fc-qualifier":    "prod",
			"x-fc-control-path": "/invoke", "x-fc-retry-count": "0",
			"content-type":         "application/octet-stream",
			functiontask.KeyHeader: "key",
		} {
			if got := s.header.Get(name); got != want {
				t.Errorf("%s: header %s = %q, want %q", test.name, name, got, want)
			}
		}
		for _, name := range []string{
			"x-fc-request-id", "x-fc-function-timeout", "x-fc-function-deadline",
		} {
			if s.header.Get(name) == "" {
				t.Errorf("%s: no header %s", test.name, name)
			}
		}
	}
}

// TestTexts: a byte order mark is not part of a result. If a body that does not count cannot be
// decoded, the call still succeeds.
func TestTexts(t *testing.T) {
	address := custom(t, func(w http.ResponseWriter, r *http.Request) {
		event, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/octet-stream")
		io.WriteString(w,
			map[string]string{"marked": "\uFEFF{\"ok\":true}", "binary": "\xff"}[string(event)])
	})
	r := newRunner(t, functiontask.Options{
		Functions: []functiontask.Function{httpFunction("f", address)},
	})
	if e := mustRun(t, r, request(`"marked"`)); e.Body["ok"] != true {
		t.Errorf("%+v", e)
	}
	q := request(`"binary"`)
	q.Mode = flow.WaitForCustomCallback
	if e := mustRun(t, r, q); e.Code != 200 || e.Body != nil {
		t.Errorf("%+v", e)
	}
}

func TestCustomRuntimeFailures(t *testing.T) {
	const functionError = `{"errorMessage":"m","errorType":"MyError","stackTrace":[]}`
	tests := []struct {
		name         string
		status       int
		header, body string
		want, cause  string
	}{
		{"a function error", 404, "x-fc-status: 404", functionError, "MyError", "m"},
		{"without the header", 404, "", functionError, "MyError", "m"},
		{"a byte order mark", 500, "", "\uFEFF" + functionError, "MyError", "m"},
		{
			"in GBK", 500, "content-type: application/json; charset=gbk",
			"{\"errorType\":\"\xd6\xd0\"}", "中", "",
		},
		{
			"binary", 200, "content-type: image/png", "\x89PNG", "FnF.InvalidLocal",
			`Content-Type "image/png"`,
		},
		{"half a surrogate pair", 200, "", `"\ud800"`, "FnF.InvalidLocal", "half a surrogate pair"},
		{"any other status", 500, "", functionError, "MyError", "m"},
		{"by the header alone", 200, "x-fc-status: 404", functionError, "MyError", "m"},
		{
			"the service's header", 200, "x-fc-error-type: UnhandledInvocationError", functionError,
			"MyError", "m",
		},
		{"no type", 404, "x-fc-status: 404", `{"errorMessage":"m"}`, "FC.Unknown", "m"},
		{"no body", 404, "x-fc-status: 404", "", "FC.Unknown", "Function failed"},
		{
			"a type that is no text", 404, "x-fc-status: 404",
			`{"errorMessage":{"a":1},"errorType":"E"}`, "E", `{"a":1}`,
		},
		{"throttled", 429, "", "slow down", "FC.ResourceExhausted", "slow down"},
		{
			"throttled with a code", 429, "", `{"Code":"ResourceThrottled","Message":"m"}`,
			"FC.ResourceThrottled", "m",
		},
		{"broken", 502, "", "<html>", "FC.InternalServerError", "502"},
		{
			"a code", 403, "", `{"Code":"AccessDenied","Message":"m","RequestId":"r"}`,
			"FC.AccessDenied", "m",
		},
		{
			"the older spelling", 400, "", `{"errorCode":"InvalidArgument","errorMessage":"m"}`,
			"FC.InvalidArgument", "m",
		},
		{"no route", 404, "", "404 page not found", "FC.Unknown", "404 page not found"},
		{"a redirect", 302, "location: http://169.254.169.254/", "", "FC.Unknown", "302"},
		{"too large", 200, "", strings.Repeat("x", 10001), "FC.EntityTooLarge", ""},
	}
	client, err := httpclient.New(httpclient.Options{AllowLoopback: true, MaxResponse: 10000})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		address := custom(t, func(w http.ResponseWriter, _ *http.Request) {
			if name, v, ok := strings.Cut(test.header, ": "); ok {
				w.Header().Set(name, v)
			}
			w.WriteHeader(test.status)
			io.WriteString(w, test.body)
		})
		r := newRunner(t, functiontask.Options{
			Functions: []functiontask.Function{httpFunction("*", address)}, Client: client,
		})
		t.Run(test.name, func(t *testing.T) {
			wantError(t, r, request(`{}`), test.want, test.cause)
		})
	}
}

func TestBrokenCalls(t *testing.T) {
	gone, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	hijack := custom(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	})
	slow := custom(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	late := httpFunction("late", slow)
	late.Timeout = time.Millisecond
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{
		httpFunction("gone", "http://"+gone), httpFunction("hijack", hijack), late,
		httpFunction("slow", slow),
		httpFunction("metadata", "http://100.100.100.200"),
	}})
	call := func(name string) task.Request {
		q := request(`{}`)
		q.Parameters = json.RawMessage(`{"resourceArn":"acs:fc:::functions/` + name + `"}`)
		return q
	}
	wantError(t, r, call("gone"), "FC.Unknown", "broke")
	wantError(t, r, call("hijack"), "FC.Unknown", "broke")
	wantError(t, r, call("late"), "FC.Unknown", "timed out")
	wantError(t, r, call("metadata"), "FC.Unknown", "not allowed")
	wantError(t, r, call("nobody"), "FC.FunctionNotFound", "acs:fc:::functions/nobody")
	wantError(t, r, call("nobody"), "FC.FunctionNotFound", "--functions FILE")
	_, example, _ := strings.Cut(r.Run(t.Context(), call("nobody")).Error.Cause, "for example: ")
	f, err := functiontask.Parse("functions", []byte(example))
	if err != nil || len(f.Functions) != 1 || f.Functions[0].Match != "nobody" {
		t.Errorf("the example %q cannot be pasted: %v", example, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if got := r.Run(ctx, call("slow")); got.Error == nil || got.Error.Name != "FC.Unknown" {
		t.Errorf("a canceled call: %v", got)
	}
}

// Short names for tables.
const (
	complete = flow.RequestComplete
	system   = flow.WaitForSystemCallback
	callback = flow.WaitForCustomCallback
)

func TestFixedAnswersAndModes(t *testing.T) {
	hi := functiontask.Function{
		Mapping: task.Mapping{Match: "hello", Reply: json.RawMessage(`{"message":"hi"}`)},
	}
	null := functiontask.Function{
		Mapping: task.Mapping{Match: "null", Reply: json.RawMessage(`null`)},
	}
	broken := functiontask.Function{
		Mapping: task.Mapping{Match: "broken", Error: &flow.Error{Name: "Boom", Cause: "text"}},
	}
	text := httpFunction("text", custom(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello")
	}))
	r := newRunner(t, functiontask.Options{
		Functions: []functiontask.Function{hi, null, broken, text},
	})
	const accepted = `"Body":null,"Code":202`
	tests := []struct {
		name, function, kind string
		flowV1               bool
		mode                 flow.TaskMode
		output, fail         string
		async                bool
	}{
		{
			"sync", "hello", "Sync", false, complete,
			`{"Body":{"message":"hi"},"Code":200,"Header":{}}`, "", false,
		},
		{
			"no type", "hello", "", false, complete,
			`{"Body":{"message":"hi"},"Code":200,"Header":{}}`, "", false,
		},
		{"async", "hello", "Async", false, complete, accepted, "", false},
		{"async failure goes unseen", "broken", "Async", false, complete, accepted, "", false},
		{
			"waited for", "hello", "Async", false, system,
			`{"Body":{"message":"hi"},"Code":200,"Header":{}}`, "", true,
		},
		{"waited for and failed", "broken", "Async", false, system, "", "Boom", true},
		{
			"waited for but sync", "hello", "Sync", false, system, "", "FC.InvalidArgument",
			false,
		},
		{"by token", "hello", "Sync", false, callback, `{"Body":`, "", false},
		{"by token and failed", "broken", "Sync", false, callback, "", "Boom", false},
		{"by token, async", "broken", "Async", false, callback, accepted, "", false},
		{"unknown type", "hello", "Later", false, complete, "", "FC.InvalidArgument", false},
		{"unmapped async", "none", "Async", false, complete, "", "FC.FunctionNotFound", false},
		{"old sync", "hello", "", true, complete, `{"message":"hi"}`, "", false},
		{"old null", "null", "Sync", true, complete, `{}`, "", false},
		{"old async", "hello", "Async", true, complete, `{}`, "", false},
		{"old waited for", "hello", "Async", true, system, `{"message":"hi"}`, "", true},
		{"old waited for, sync", "hello", "Sync", true, system, `{"message":"hi"}`, "", true},
		{"old by token", "text", "Sync", true, callback, `{}`, "", false},
		{"old text", "text", "Sync", true, complete, "", "FnF.InvalidLocal", false},
		{"old text, waited for", "text", "", true, system, "", "FnF.InvalidLocal", true},
		{"text", "text", "Sync", false, complete, `{"Body":"hello","Code":200`, "", false},
	}
	for _, test := range tests {
		q := task.Request{
			Action: functiontask.Action, Dialect: dialect(test.flowV1), Mode: test.mode,
			Input: json.RawMessage(`{}`),
		}
		arn := "acs:fc:::functions/" + test.function
		switch {
		case !test.flowV1:
			q.Parameters = json.RawMessage(`{"resourceArn":"` + arn + `","invocationType":"` +
				test.kind + `"}`)
		case test.kind == "":
			q.Resource = arn
		default:
			q.Resource, q.Parameters = arn, json.RawMessage(`{"InvocationType":"`+test.kind+`"}`)
		}
		got := r.Run(context.Background(), q)
		name := ""
		if got.Error != nil {
			name = got.Error.Name
		}
		if name != test.fail || got.Async != test.async ||
			!strings.Contains(string(got.Output), test.output) {
			t.Errorf("%s: %s, %v, async %v", test.name, got.Output, got.Error, got.Async)
		}
	}
}

func TestAsyncRunsOn(t *testing.T) {
	called := make(chan string, 1)
	release := make(chan struct{})
	address := custom(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		<-release
		called <- string(body)
	})
	r := functiontask.New(functiontask.Options{
		Functions: []functiontask.Function{httpFunction("*", address)},
	})
	ctx, cancel := context.WithCancel(context.Background())
	got := r.Run(ctx, task.Request{Action: functiontask.Action, Parameters: json.RawMessage(
		`{"resourceArn":"acs:fc:::functions/f","invocationType":"Async","body":"go"}`)})
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	cancel() // the task ends, the asynchronous call does not
	close(release)
	if err := r.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if body := <-called; body != "go" {
		t.Errorf("called with %q", body)
	}
}

func TestCloseCutsOffWhatIsLeft(t *testing.T) {
	entered := make(chan struct{})
	address := custom(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(entered)
		<-r.Context().Done()
	})
	r := functiontask.New(functiontask.Options{
		Functions: []functiontask.Function{httpFunction("*", address)}, BackgroundMax: 1,
	})
	for range 3 {
		r.Run(context.Background(), task.Request{Action: functiontask.Action,
			Parameters: json.RawMessage(
				`{"resourceArn":"acs:fc:::functions/f","invocationType":"Async"}`)})
	}
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Close(ctx); err != context.Canceled {
		t.Errorf("Close: %v", err)
	}
}

func TestMatching(t *testing.T) {
	tests := []struct {
		pattern, arn string
		want         bool
	}{
		{"greet", "acs:fc:::functions/greet", true},
		{"greet", "acs:fc:::functions/greet/v2", true},
		{"greet", "acs:fc:::services/s/functions/greet", true},
		{"s/greet", "acs:fc:::services/s.prod/functions/greet", true},
		{"s/*", "acs:fc:::services/t/functions/greet", false},
		{"gr*", "acs:fc:::functions/agree", false},
		{"acs:fc:*:*:functions/greet/*", "acs:fc:::functions/greet", true},
		{"acs:fc:*:*:functions/greet", "acs:fc:::functions/greet/v2", true},
		{"acs:fc:*:*:functions/greet/v1", "acs:fc:::functions/greet/v2", false},
		{"acs:fc:::functions/greet", "acs:fc:::functions/greet", true},
		{"acs:fc:cn-hangzhou:1:functions/greet/LATEST", "acs:fc:::functions/greet", true},
		{"acs:fc:cn-beijing:*:functions/*", "acs:fc:::functions/greet", false},
		{"acs:fc:*:*:services/s/functions/*", "acs:fc:::services/s.prod/functions/greet", true},
		{"acs:fc:*:*:services/s.LATEST/functions/*", "acs:fc:::services/s/functions/greet", true},
	}
	for _, test := range tests {
		r := newRunner(t, functiontask.Options{
			Functions: []functiontask.Function{
				{Mapping: task.Mapping{Match: test.pattern, Reply: json.RawMessage("1")}},
			},
		})
		q := request(`{}`)
		q.Parameters = json.RawMessage(`{"resourceArn":"` + test.arn + `"}`)
		if got := r.Run(context.Background(), q); (got.Error == nil) != test.want {
			t.Errorf("%s on %s: %v", test.pattern, test.arn, got.Error)
		}
	}
}

func TestBadRequests(t *testing.T) {
	r := newRunner(t, functiontask.Options{})
	for _, parameters := range []string{
		``, `{}`, `[]`, `{"resourceArn":7}`, `{"resourceArn":"f"}`,
		`{"resourceArn":"acs:mns:::functions/f"}`,
		`{"resourceArn":"acs:fc:::functions/"}`, `{"resourceArn":"acs:fc:::functions/f/"}`,
		`{"resourceArn":"acs:fc:::functions/f/q/r"}`,
		`{"resourceArn":"acs:fc:::functions/f\r\nX-A: b"}`,
		`{"resourceArn":"acs:fc:::services//functions/f"}`,
		`{"resourceArn":"acs:fc:::services/s./functions/f"}`,
		`{"resourceArn":"acs:fc:a b::functions/f"}`,
	} {
		wantError(t, r,
			task.Request{Action: functiontask.Action, Parameters: json.RawMessage(parameters)},
			"FC.InvalidArgument", "")
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(`{"resourceArn":"acs:fc:::functions/f/LATEST","invocationType":"Sync","body":{"a":1}}`,
		false)
	f.Add(`{"resourceArn":"acs:fc:cn:1:services/s.q/functions/f"}`, true)
	r := functiontask.New(functiontask.Options{
		Functions: []functiontask.Function{
			{Mapping: task.Mapping{Match: "*", Reply: json.RawMessage("{}")}},
		},
	})
	f.Fuzz(func(t *testing.T, parameters string, flowV1 bool) {
		got := r.Run(context.Background(), task.Request{
			Action: functiontask.Action, Dialect: dialect(flowV1), Parameters: json.RawMessage(parameters),
		})
		if (got.Error == nil) != json.Valid(got.Output) {
			t.Fatalf("%s, %v", got.Output, got.Error)
		}
	})
}

// TestNext: only calls of functions that no entry matches go to the next runner.
func TestNext(t *testing.T) {
	next := task.RunnerFunc(func(_ context.Context, r task.Request) task.Result {
		return task.Result{Output: json.RawMessage(`"next"`)}
	})
	r := functiontask.New(functiontask.Options{
		Functions: []functiontask.Function{{Mapping: task.Mapping{Match: "mine",
			Reply: json.RawMessage(`1`)}}}, Next: next,
	})
	t.Cleanup(func() { r.Close(context.Background()) })
	for name, want := range map[string]string{"mine": `"Body":1`, "other": `"next"`} {
		q := task.Request{
			Action: functiontask.Action,
			Parameters: json.RawMessage(`{"resourceArn":"acs:fc:::functions/` + name +
				`","invocationType":"Sync"}`),
		}
		if got := r.Run(t.Context(), q); got.Error != nil ||
			!strings.Contains(string(got.Output), want) {
			t.Errorf("%s: %s %v", name, got.Output, got.Error)
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
