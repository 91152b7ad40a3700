package httpclient_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"millrace/shared/httpclient"
)

// doer is a function that sends a request.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(req *http.Request) (*http.Response, error) { return d(req) }

// TestPlainBodies: net/http gets a body that it can only read, and the caller keeps its request.
func TestPlainBodies(t *testing.T) {
	type writable struct {
		io.Reader
		io.WriterTo
		io.Closer
	}
	text := strings.NewReader("event")
	body := writable{text, text, io.NopCloser(nil)}
	sent := 0
	client := httpclient.PlainBodies(doer(func(req *http.Request) (*http.Response, error) {
		sent++
		if req.Body == nil || req.Body == http.NoBody {
			return nil, nil
		}
		if _, ok := req.Body.(io.WriterTo); ok {
			t.Error("the body still has WriteTo")
		}
		if got, err := io.ReadAll(req.Body); string(got) != "event" || err != nil {
			t.Errorf("the body is %q, %v", got, err)
		}
		return nil, nil
	}))
	for _, b := range []io.ReadCloser{body, nil, http.NoBody} {
		req := &http.Request{Body: b}
		client.Do(req)
		if req.Body != b {
			t.Error("the caller's request has changed")
		}
	}
	if sent != 3 {
		t.Errorf("%d requests were sent", sent)
	}
}
