package emulators

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// Call is one request of an AWS client, before the service has received it.
type Call struct {
	Op   string // the operation: "PutItem", "SendMessageBatch"
	Body []byte
	send func(body []byte) (*http.Response, error)
}

// Send forwards the request.
func (c Call) Send() (*http.Response, error) { return c.send(c.Body) }

// SendAs forwards the request with another body.
func (c Call) SendAs(body []byte) (*http.Response, error) { return c.send(body) }

// ErrLost is the error that a client gets when its response is lost.
var ErrLost = errors.New("emulators: connection reset by peer, the answer is lost")

// Lose forwards the request and discards the response: the service has applied the request, and the
// client cannot know.
func (c Call) Lose() (*http.Response, error) {
	answer, err := c.Send()
	if err != nil {
		return nil, err
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return nil, ErrLost
}

// Refuse responds in place of the service, which never receives the request, with an error code as
// AWS writes it and a status.
func (c Call) Refuse(status int, code, message string) (*http.Response, error) {
	body := fmt.Sprintf(`{"__type":"com.amazonaws#%s","message":%q,"Message":%q}`, code,
		message, message)
	return Answer(status, body), nil
}

// Throttle refuses the request as DynamoDB does when its throughput is exceeded.
func (c Call) Throttle() (*http.Response, error) {
	return c.Refuse(http.StatusBadRequest, "ProvisionedThroughputExceededException",
		"The level of configured provisioned throughput for the table was exceeded.")
}

// Answer returns a response with a JSON body.
func Answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode:    status,
		Status:        http.StatusText(status),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// Faulty is a transport that injects faults in front of an emulator: it responds to each call
// itself, or forwards it. It must be safe for concurrent use.
type Faulty func(c Call) (*http.Response, error)

// transport is shared by the calls of all Faulty.
var transport = NewTransport()

// RoundTrip implements http.RoundTripper.
func (f Faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer, err := f(Call{Op: op, Body: body, send: func(body []byte) (*http.Response, error) {
		again := r.Clone(r.Context())
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return transport.RoundTrip(again)
	}})
	if answer != nil {
		answer.Request = r
	}
	return answer, err
}

// Proxy serves an emulator behind faults, for clients of another process, and returns the endpoint.
// For a lost response it breaks the connection.
func Proxy(t testing.TB, endpoint string, f Faulty) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: f,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler)
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}
