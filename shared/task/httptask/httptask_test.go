package httptask_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/task"
	"millrace/shared/task/httptask"
	"millrace/shared/value"
	"millrace/tests/support/port"
)

func newRunner(t testing.TB, o httpclient.Options) *httptask.Runner {
	t.Helper()
	client, err := httpclient.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return httptask.New(client)
}

func newServer(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func parameters(v map[string]any) json.RawMessage { return value.Encode(v) }

func TestRequest(t *testing.T) {
	type seen struct {
		method, body string
		header       http.Header
	}
	got := make(chan seen, 1)
	url := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, string(body), r.Header}
		w.Header()["X-Many"] = []string{"1", "2"}
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "hello world")
	})
	tests := []struct {
		name         string
		request      task.Request
		method, body string
		header       map[string]string
	}{
		{"a get in small letters",
			task.Request{Key: "k1", Token: "t", Parameters: parameters(map[string]any{
				"url": url, "method": "Get",
				"headers": map[string]any{
					"Accept": "application/json", "X-N": value.Number("7"), "X-Null": nil,
				},
			})}, "GET", "", map[string]string{
				"Accept": "application/json", "X-N": "7", "X-Null": "", "Content-Type": "",
				httptask.KeyHeader: "k1", httptask.TokenHeader: ""}},
		{"an object is sent as JSON",
			task.Request{Mode: flow.WaitForCustomCallback, Token: "tok",
				Parameters: parameters(map[string]any{
					"url": url, "method": "POST", "body": map[string]any{"a": []any{nil, true}},
				})}, "POST", `{"a":[null,true]}`, map[string]string{
				"Content-Type": "application/json", httptask.TokenHeader: "tok",
			}},
		{"a string is sent as it is", task.Request{Parameters: parameters(map[string]any{
			"url": url, "method": "put", "body": "a\"b", "headers": map[string]any{
				"content-type": "text/x", "Accept-Encoding": "br", "Content-Length": "99",
				"x-fnf-idempotency-key": "forged"},
		})}, "PUT", `a"b`, map[string]string{
			"Content-Type": "text/x", "Accept-Encoding": "", httptask.KeyHeader: "",
		}},
		{"nothing to send",
			task.Request{Mode: flow.WaitForCustomCallback, Token: "tok",
				Parameters: parameters(map[string]any{
					"url": url, "method": "GET", "headers": map[string]any{}, "body": nil,
				})}, "GET", "", map[string]string{httptask.TokenHeader: "tok"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.request.Action = httptask.Action
			result := newRunner(t, httpclient.Options{AllowLoopback: true}).Run(context.Background(),
				test.request)
			if result.Error != nil {
				t.Fatal(result.Error)
			}
			s := <-got
			if s.method != test.method || s.body != test.body {
				t.Errorf("the server saw %s %q", s.method, s.body)
			}
			for name, want := range test.header {
				if got := s.header.Get(name); got != want {
					t.Errorf("header %s = %q, want %q", name, got, want)
				}
			}
			var envelope struct {
				Code   int
				Body   string
				Header map[string]string
			}
			if err := json.Unmarshal(result.Output, &envelope); err != nil {
				t.Fatal(err)
			}
			if envelope.Code != 200 || envelope.Body != "hello world" ||
				envelope.Header["X-Many"] != "1,2" {
				t.Errorf("%s", result.Output)
			}
		})
	}
}

func TestStatusAndBody(t *testing.T) {
	url := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/json":
			io.WriteString(w, `{"n":12345678901234567890}`)
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/teapot":
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, `{"why":"short and stout"}`)
		case "/big":
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, strings.Repeat("é", 10000))
		case "/huge":
			io.WriteString(w, strings.Repeat("x", 20001))
		case "/cut":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "x")
		}
	})
	run := func(path string) task.Result {
		return newRunner(t, httpclient.Options{AllowLoopback: true,
			MaxResponse: 20000}).Run(context.Background(),
			task.Request{
				Action:     httptask.Action,
				Parameters: parameters(map[string]any{"url": url + path, "method": "GET"}),
			})
	}
	for path, want := range map[string]string{
		"/json": `"Body":{"n":12345678901234567890},"Code":200`, "/empty": `"Body":"","Code":204`,
	} {
		if got := run(path); !strings.Contains(string(got.Output), want) {
			t.Errorf("%s: %s, %v", path, got.Output, got.Error)
		}
	}
	if got := run("/teapot").Error; got == nil || got.Name != "HTTP.418" ||
		!strings.HasPrefix(got.Cause, `{"Body":{"why":"short and stout"},"Code":418,"Header":{`) {
		t.Errorf("a failing status: %v", got)
	}
	if got := run("/big").Error; got == nil || got.Name != "HTTP.502" ||
		utf8.RuneCountInString(got.Cause) != 4096 {
		t.Errorf("a long cause: %v", got)
	}
	for _, path := range []string{"/huge", "/cut"} {
		if got := run(path).Error; got == nil || got.Name != "HTTP.RequestFailed" {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// TestTexts: a body that is not text is not a result. It neither hides an error status, nor matters
// where the response does not count.
func TestTexts(t *testing.T) {
	url := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(status)
		io.WriteString(w, r.URL.Query().Get("body"))
	})
	for _, c := range []struct {
		status           int
		kind, body       string
		mode             flow.TaskMode
		name, has, lacks string
	}{
		{200, "application/json", "\uFEFF{\"n\":1}", flow.RequestComplete, "", `"Body":{"n":1}`,
			""},
		{200, "text/html; charset=GBK", "\xd6\xd0", flow.RequestComplete, "", `"Body":"中"`, ""},
		{
			200, "image/png", "\x89PNG", flow.RequestComplete, "FnF.InvalidLocal",
			`Content-Type "image/png"`, "",
		},
		{
			200, "text/html; charset=big5", "x", flow.RequestComplete, "FnF.InvalidLocal",
			`Content-Type "text/html; charset=big5"`, "",
		},
		{
			200, "application/json", strings.Repeat("[", 300) + strings.Repeat("]", 300),
			flow.RequestComplete, "FnF.InvalidLocal", "256 levels", "",
		},
		{200, "image/png", "\x89PNG", flow.WaitForCustomCallback, "", `"Body":null,"Code":200`, ""},
		{503, "image/png", "\x89PNG", flow.RequestComplete, "HTTP.503", `\"image/png\"`, "\uFFFD"},
		{503, "image/png", "\x89PNG", flow.WaitForCustomCallback, "HTTP.503", `\"image/png\"`,
			"\uFFFD"},
	} {
		q := neturl.Values{"status": {strconv.Itoa(c.status)}, "type": {c.kind}, "body": {c.body}}
		got := newRunner(t, httpclient.Options{AllowLoopback: true}).Run(context.Background(),
			task.Request{Action: httptask.Action, Mode: c.mode,
				Parameters: parameters(map[string]any{
					"url": url + "?" + q.Encode(), "method": "GET",
				})})
		name, text := "", string(got.Output)
		if got.Error != nil {
			name, text = got.Error.Name, got.Error.Cause
		}
		if name != c.name || !strings.Contains(text, c.has) ||
			c.lacks != "" && strings.Contains(text, c.lacks) {
			t.Errorf("%+v: %s %s", c, name, text)
		}
	}
}

func TestFailures(t *testing.T) {
	nobody, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + nobody
	tests := []struct {
		name       string
		parameters string
		want       string
	}{
		{
			"connection refused", `{"url":"` + gone + `/?secret=1","method":"GET"}`,
			"HTTP.RequestFailed",
		},
		{"blocked", `{"url":"http://169.254.169.254/","method":"GET"}`, "HTTP.RequestFailed"},
		{"no parameters", ``, "HTTP.InvalidArgument"},
		{"parameters are a list", `[]`, "HTTP.InvalidArgument"},
		{"no url", `{"method":"GET"}`, "HTTP.InvalidArgument"},
		{"a url that is a number", `{"url":1,"method":"GET"}`, "HTTP.InvalidArgument"},
		{"a relative url", `{"url":"/x","method":"GET"}`, "HTTP.InvalidArgument"},
		{"a file", `{"url":"file:///etc/passwd","method":"GET"}`, "HTTP.InvalidArgument"},
		{"no method", `{"url":"http://example.com"}`, "HTTP.InvalidArgument"},
		{
			"an unknown method", `{"url":"http://example.com","method":"TRACE"}`,
			"HTTP.InvalidArgument",
		},
		{
			"headers are a list", `{"url":"http://example.com","method":"GET","headers":[]}`,
			"HTTP.InvalidArgument",
		},
		{
			"a bad header name",
			`{"url":"http://example.com","method":"GET","headers":{"a b":"c"}}`,
			"HTTP.InvalidArgument",
		},
		{
			"a line break in a header",
			`{"url":"http://example.com","method":"GET","headers":{"a":"b\r\nc: d"}}`,
			"HTTP.InvalidArgument",
		},
		{
			"an object as header", `{"url":"http://example.com","method":"GET","headers":{"a":{}}}`,
			"HTTP.InvalidArgument",
		},
	}
	for _, test := range tests {
		got := newRunner(t, httpclient.Options{AllowLoopback: true}).Run(context.Background(),
			task.Request{Action: httptask.Action, Parameters: json.RawMessage(test.parameters)})
		if got.Error == nil || got.Error.Name != test.want {
			t.Errorf("%s: %v, want %s", test.name, got.Error, test.want)
		} else if strings.Contains(got.Error.Cause, "secret") {
			t.Errorf("%s: the cause tells the address: %s", test.name, got.Error.Cause)
		}
	}
}

func TestCancel(t *testing.T) {
	entered := make(chan struct{})
	url := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-entered
		cancel()
	}()
	got := newRunner(t, httpclient.Options{AllowLoopback: true}).Run(ctx,
		task.Request{
			Action:     httptask.Action,
			Parameters: parameters(map[string]any{"url": url, "method": "GET"}),
		})
	if got.Error == nil || got.Error.Name != "HTTP.RequestFailed" {
		t.Errorf("%v", got)
	}
}

func FuzzParameters(f *testing.F) {
	f.Add(
		`{"url":"http://127.0.0.1:9/","method":"GET","body":{"a":1},` +
			`"headers":{"a":"b","Host":"x"}}`,
	)
	f.Add(`{"url":"http://[::1","method":"GET"}`)
	f.Add(`{"headers":{"\u0000":null}}`)
	runner := newRunner(f, httpclient.Options{Allow: []string{"nothing.invalid"}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f.Fuzz(func(t *testing.T, text string) {
		got := runner.Run(ctx, task.Request{
			Action: httptask.Action, Parameters: json.RawMessage(text),
		})
		if got.Error == nil || !strings.HasPrefix(got.Error.Name, "HTTP.") {
			t.Fatalf("%v", got)
		}
	})
}
