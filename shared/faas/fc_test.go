package faas_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/events"
	"millrace/shared/faas"
)

// TestMain runs the function of TestSDK if the environment has the address of the runtime API.
func TestMain(m *testing.M) {
	if os.Getenv("PLATFORM_TEST_FUNCTION") != "" {
		faas.Main(func(context.Context) (faas.Handler, error) {
			return func(_ context.Context, event []byte) ([]byte, error) {
				switch string(event) {
				case "fail":
					return nil, errors.New("on request")
				case "panic":
					panic("on request")
				case "nothing":
					return nil, nil
				}
				return []byte(`{"got":` + strconv.Quote(string(event)) + `}`), nil
			}, nil
		})
	}
	os.Exit(m.Run())
}

// runtimeAPI is a runtime API that delivers events with the headers of a test.
type runtimeAPI struct {
	mu        sync.Mutex
	fails     int // how many requests for the next event fail
	asked     []time.Time
	events    chan runtimeEvent
	responses chan string
}

type runtimeEvent struct {
	header map[string]string
	body   string
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.Path, "/2020-11-11/runtime/invocation/")
	if rest != "next" {
		body, _ := io.ReadAll(r.Body)
		a.responses <- rest + " " + string(body)
		return
	}
	a.mu.Lock()
	a.asked = append(a.asked, time.Now())
	fails := a.fails
	a.fails--
	a.mu.Unlock()
	if fails > 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	select {
	case e := <-a.events:
		for name, value := range e.header {
			w.Header().Set(name, value)
		}
		io.WriteString(w, e.body)
	case <-r.Context().Done():
	}
}

// TestSDK: the defects of the SDK do not show. Responses are raw JSON, every event gets a response
// whatever its headers, a failing API is not called again at once, and life-cycle events and panics
// get a response.
func TestSDK(t *testing.T) {
	api := &runtimeAPI{fails: 6, events: make(chan runtimeEvent), responses: make(chan string)}
	server := httptest.NewServer(api)
	defer server.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PLATFORM_TEST_FUNCTION=1",
		"FC_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"), "FC_FUNCTION_NAME=f",
		"AWS_LAMBDA_RUNTIME_API=",
		"http_proxy=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	}()
	full := map[string]string{
		"x-fc-request-id":        "r",
		"x-fc-function-deadline": fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()),
		"x-fc-function-timeout":  "60",
	}
	with := func(change ...string) map[string]string {
		h := map[string]string{}
		for name, value := range full {
			h[name] = value
		}
		for i := 0; i < len(change); i += 2 {
			h[change[i]] = change[i+1]
		}
		return h
	}
	for _, c := range []struct {
		event runtimeEvent
		want  string
	}{
		{runtimeEvent{with(), "a"}, `r/response {"got":"a"}`},
		{runtimeEvent{with(), "nothing"}, `r/response null`},
		{runtimeEvent{with(), "fail"}, `r/error {"errorMessage":"on request",` +
			`"errorType":"FunctionError"}`},
		{runtimeEvent{with(), "panic"}, `r/error {"errorMessage":"internal error; the log has ` +
			`the cause","errorType":"FunctionError"}`},
		{runtimeEvent{map[string]string{"x-fc-request-id": "bare"}, "a"},
			`bare/response {"got":"a"}`},
		{runtimeEvent{with("x-fc-function-deadline", "soon"), "a"}, `r/response {"got":"a"}`},
		{runtimeEvent{with("x-fc-function-timeout", "1m"), "a"}, `r/response {"got":"a"}`},
		{runtimeEvent{with("x-fc-retry-count", "x", "x-fc-tracing-opentracing-span-baggages", "%"),
			"a"}, `r/response {"got":"a"}`},
		{runtimeEvent{with("x-fc-function-type", "1"), ""}, `r/response `},
		{runtimeEvent{with("x-fc-function-type", "2"), ""}, `r/response `},
		{runtimeEvent{with("x-fc-function-type", "3"), ""}, `r/response `},
	} {
		api.events <- c.event
		if got := <-api.responses; got != c.want {
			t.Errorf("%v %q: %s, want %s", c.event.header, c.event.body, got, c.want)
		}
	}
	api.mu.Lock()
	defer api.mu.Unlock()
	// 10, 20, 40, 80, 160 and 320 ms; a sleep never ends early.
	if took := api.asked[6].Sub(api.asked[0]); took < 630*time.Millisecond {
		t.Errorf("asked seven times within %v", took)
	}
}

func TestRuntimeTransportBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		fails := true
		transport := faas.NewRuntimeTransport("api:1",
			roundTripFunc(func(*http.Request) (*http.Response, error) {
				if fails {
					return nil, broken
				}
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody},
					nil
			}))
		ask := func(url string) time.Duration {
			began := time.Now()
			r, _ := http.NewRequest("GET", url, nil)
			if _, err := transport.RoundTrip(r); fails && !errors.Is(err, broken) {
				t.Error(err)
			}
			return time.Since(began)
		}
		const next, response = "http://api:1/2020-11-11/runtime/invocation/next",
			"http://api:1/2020-11-11/runtime/invocation/1/response"
		for _, want := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond,
			40 * time.Millisecond} {
			if d := ask(next); d != want {
				t.Errorf("waited %v, want %v", d, want)
			}
		}
		for range 20 {
			ask(next)
		}
		if d := ask(next); d != 5*time.Second {
			t.Errorf("waited %v at last", d)
		}
		if d := ask(response); d != 0 {
			t.Errorf("an answer waited %v", d)
		}
		fails = false
		ask(next)
		fails = true
		if d := ask(next); d != 10*time.Millisecond {
			t.Errorf("waited %v after a success", d)
		}
		r, _ := http.NewRequest("GET", "http://elsewhere/", nil)
		if _, err := transport.RoundTrip(r); err != http.ErrSkipAltProtocol {
			t.Errorf("a request to somewhere else: %v", err)
		}
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRepair(t *testing.T) {
	now := time.UnixMilli(1763805600000)
	h := http.Header{}
	faas.RepairHeaders(h, now)
	if h.Get("x-fc-function-timeout") != "60" ||
		h.Get("x-fc-function-deadline") != "1763805660000" {
		t.Error(h)
	}
	h = http.Header{
		"X-Fc-Function-Timeout":                  {"5"},
		"X-Fc-Retry-Count":                       {"2"},
		"X-Fc-Tracing-Opentracing-Span-Baggages": {"e30="},
	}
	faas.RepairHeaders(h, now)
	if h.Get("x-fc-function-deadline") != "1763805605000" || h.Get("x-fc-retry-count") != "2" ||
		h.Get("x-fc-tracing-opentracing-span-baggages") != "e30=" {
		t.Error(h)
	}
}

// TestCustomPaths: in a custom runtime the platform's header decides, and without it the path.
func TestCustomPaths(t *testing.T) {
	var handled int
	h := func(_ context.Context, event []byte) ([]byte, error) {
		handled++
		if string(event) == "fail" {
			return nil, errors.New("on request")
		}
		return []byte("{}"), nil
	}
	for _, c := range []struct {
		method, path, control, body string
		status                      int
		fcStatus                    string
		event                       bool
		log                         string
	}{
		{"POST", "/invoke", "/invoke", "x", 200, "200", true, "FC Invoke End RequestId: r\n"},
		{"POST", "/invoke", "/invoke", "fail", 404, "404", true,
			"FC Invoke End RequestId: r, Error: Unhandled function error\n"},
		{"POST", "/invoke", "", "x", 200, "200", true, "FC Invoke End RequestId: r\n"},
		{"GET", "/invoke", "", "", 404, "", false, "FC Invoke Start RequestId: r\n"},
		{"POST", "/invoke", "/http-invoke", "x", 404, "", false, "FC Invoke Start RequestId: r\n"},
		{"POST", "/elsewhere", "/invoke", "x", 200, "200", true, "FC Invoke Start RequestId: r\n"},
		{"POST", "/initialize", "/initialize", "", 200, "200", false,
			"FC Initialize End RequestId: r\n"},
		{"POST", "/initialize", "", "", 200, "200", false, "FC Initialize Start RequestId: r\n"},
		{"POST", "/initialize", "/http-invoke", "", 404, "", false,
			"FC Invoke Start RequestId: r\n"},
		{"GET", "/pre-stop", "", "", 200, "200", false, "FC PreStop End RequestId: r\n"},
		{"POST", "/", "/pre-freeze", "", 200, "200", false, "FC PreFreeze End RequestId: r\n"},
	} {
		handled = 0
		var out bytes.Buffer
		w := httptest.NewRecorder()
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("x-fc-request-id", "r")
		if c.control != "" {
			r.Header.Set("x-fc-control-path", c.control)
		}
		handler := h
		if !c.event && c.fcStatus == "" { // a function for events only
			handler = func(_ context.Context, event []byte) ([]byte, error) {
				return nil, events.DecodeTick(event)
			}
		}
		faas.NewCustom(handler, &out).ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("x-fc-status") != c.fcStatus ||
			(handled == 1) != c.event || !strings.Contains(out.String(), c.log) {
			t.Errorf("%+v: %d %q, %d events, log %q", c, w.Code, w.Header().Get("x-fc-status"),
				handled, out.String())
		}
	}
}

// TestCustomCredentials: a custom runtime stores the credentials of the request and hides them from
// the handler.
func TestCustomCredentials(t *testing.T) {
	var seen http.Header
	h := faas.ServeHTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r.Header
	}))
	for i := range 2 {
		r := httptest.NewRequest("GET", "/", nil)
		for name, value := range map[string]string{
			"access-key-id":     fmt.Sprint("STS.", i),
			"access-key-secret": "s",
			"security-token":    "t",
			"request-id":        "r",
		} {
			r.Header.Set("x-fc-"+name, value)
		}
		faas.NewCustom(h, io.Discard).ServeHTTP(httptest.NewRecorder(), r)
		if c, ok := faas.CurrentCredentials(); !ok ||
			c != (alibaba.Credentials{
				AccessKeyID:     fmt.Sprint("STS.", i),
				AccessKeySecret: "s",
				SecurityToken:   "t",
			}) {
			t.Error(c, ok)
		}
		if len(seen) != 1 || seen.Get("x-fc-request-id") != "r" {
			t.Error(seen)
		}
	}
}

func TestCustomPort(t *testing.T) {
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, name := range []string{"AWS_LAMBDA_RUNTIME_API", "FC_RUNTIME_API",
		"FC_CUSTOM_LISTEN_PORT"} {
		t.Setenv(name, "")
	}
	t.Setenv("FC_SERVER_PORT", port)
	err = faas.Run(func(context.Context) (faas.Handler, error) {
		return nil, errors.New("no")
	})
	if err == nil || !strings.Contains(err.Error(), port) {
		t.Errorf("a port that is taken: %v", err)
	}
}

func TestMNS(t *testing.T) {
	var worked, dispatched []string
	var mu sync.Mutex
	note := func(to *[]string) func(context.Context, string) error {
		return func(_ context.Context, p string) error {
			mu.Lock()
			defer mu.Unlock()
			*to = append(*to, p)
			if p == "bad" {
				return errors.New("store unreachable")
			}
			return nil
		}
	}
	q := faas.QueueHandlers{Decode: decode, Advance: note(&worked)}
	streaming := func(bodies ...string) []byte {
		var elements []string
		for _, b := range bodies {
			elements = append(elements, strconv.Quote(b))
		}
		return []byte("[" + strings.Join(elements, ",") + "]")
	}
	h := faas.ConsumeQueue(q)
	for _, c := range []struct {
		event []byte
		fails bool
	}{
		{streaming(hint("a"), "poison", hint("a")), false},
		{streaming(), false},
		{streaming("poison"), false},
		{streaming(hint("b"), hint("bad")), true},
		{streaming(string(recorded(t, "fc-destination"))), false}, // no handler
	} {
		if text, err := h(t.Context(), c.event); (err != nil) != c.fails || text != nil {
			t.Errorf("%s: %s, %v", c.event, text, err)
		}
	}
	if got := strings.Join(worked, " "); got != "a b bad" && got != "a bad b" {
		t.Errorf("worked %s", got)
	}
	q.Dispatch = note(&dispatched)
	if _, err := faas.ConsumeQueue(q)(t.Context(), streaming(hint("c"))); err != nil ||
		strings.Join(dispatched, " ") != "c" || len(worked) != 3 {
		t.Errorf("dispatched %v, %v", dispatched, err)
	}
	q.Decode = func(body string) (string, error) { return "p", nil }
	if _, err := faas.ConsumeQueue(q)(t.Context(), []byte(`{"v":1,"p":"p"}`)); err != nil ||
		worked[3] != "p" {
		t.Errorf("a hint by itself: %v, %v", worked, err)
	}
	var asyncResults int
	q = faas.QueueHandlers{
		Decode: decode,
		AsyncResult: func(
			context.Context, events.AsyncResult) error {
			asyncResults++
			return nil
		},
	}
	if _, err := faas.ConsumeQueue(q)(t.Context(),
		streaming(string(recorded(t, "fc-destination")))); err != nil || asyncResults != 1 {
		t.Errorf("%d asyncResults, %v", asyncResults, err)
	}
}

func TestEventsThroughMNS(t *testing.T) {
	var took []events.Delivery
	h := faas.Events(func(_ context.Context, d events.Delivery) error {
		if took = append(took, d); d.ID == "bad" {
			return errors.New("no")
		}
		return nil
	})
	message := func(id, body string) string {
		return `{"messageId":"` + id + `","messageBody":` + strconv.Quote(body) + `}`
	}
	if _, err := h(t.Context(), []byte("["+message("1", "text")+","+message("bad", "{}")+","+
		message("2", "x")+"]")); err == nil || len(took) != 3 {
		t.Errorf("%v, %v", took, err)
	}
	// A message is a message whatever its text is, and a direct event is none.
	oss := strings.ReplaceAll(string(recorded(t, "fc-oss-mns")), "\n", "")
	for event, want := range map[string]events.Delivery{
		"[" + message("3", oss) + "]": {Message: events.Message{ID: "3", Body: oss}},
		string(recorded(t, "fc-oss-trigger")): {Message: events.Message{Body: string(
			recorded(t, "fc-oss-trigger"))}, Direct: true},
		string(recorded(t, "fc-timer")): {Message: events.Message{Body: string(
			recorded(t, "fc-timer"))}, Direct: true},
		string(recorded(t, "aws-s3-eventbridge")): {Message: events.Message{Body: string(
			recorded(t, "aws-s3-eventbridge"))}, Direct: true},
		`{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"n",` +
			`"TopicArn":"arn:aws:sns:r:1:t","Message":"m"}}]}`: {Message: events.Message{
			ID:     "n",
			Body:   "m",
			Source: "arn:aws:sns:r:1:t",
		}},
	} {
		took = nil
		if _, err := h(t.Context(), []byte(event)); err != nil || len(took) != 1 ||
			took[0] != want {
			t.Errorf("%.60s: %v, %v", event, took, err)
		}
	}
}

func TestServeHTTPOfFC(t *testing.T) {
	h := faas.ServeHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %q %s", r.Method, r.URL.Path, r.RequestURI, body, r.Host)
	}))
	text, err := h(t.Context(), recorded(t, "fc3-http-trigger-binary"))
	const want = `{"statusCode":200,"headers":{},"body":"POST /a b /a%20b?p=v1%2Cv2 ` +
		`\"\\x00\\x01\\xff\" x.cn-hangzhou.fcapp.run","isBase64Encoded":false}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
