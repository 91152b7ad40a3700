// Package security_test attacks the live server, also with signed requests: requests of callers
// without the right, requests that are made to hold it up, and attempts to make it reveal secrets.
package security_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/support/live"
)

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(greedOf); endpoint != "" {
		greedMain(endpoint)
		return
	}
	live.Main(m)
}

// asking returns a flow whose task waits for a report. The response of its function does not
// matter.
func asking(name, url string) string {
	return "Type: StateMachine\nSpecVersion: v1\nName: " + name +
		"\nStartAt: Ask\nStates:\n- {Name: Ask, Type: Task, Action: 'HTTP:Request', TaskMode: " +
		"WaitForCustomCallback, " +
		"Parameters: {url: '" + url +
		"', method: POST, body: {x.$: $Context.Execution.Name}}, End: true}\n"
}

// tokens serves tasks, and sends the task token of each call to all.
func tokens(t *testing.T) (url string, all <-chan string) {
	t.Helper()
	ch := make(chan string, 64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		ch <- r.Header.Get("X-FnF-Http-Callback-Task-Token")
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(s.Close)
	return s.URL, ch
}

// create creates a flow.
func create(t *testing.T, c *client.Client, name, definition string) {
	t.Helper()
	if _, err := c.CreateFlow(context.Background(), cloudflow.CreateFlowRequest{Name: name,
		Definition: definition, Type: "FDL"}); err != nil {
		t.Fatal(err)
	}
}

// pass returns a flow that ends at once.
func pass(name string) string {
	return "Type: StateMachine\nSpecVersion: v1\nName: " + name +
		"\nStartAt: A\nStates:\n- {Name: A, Type: Pass, End: true}\n"
}

// answer is a response on the wire.
type answer struct {
	status int
	header string // without the headers that differ in each response
	body   string
}

// answerOf reads a response.
func answerOf(r *http.Response, body []byte) answer {
	h := r.Header.Clone()
	for _, own := range []string{"Date", "X-Acs-Request-Id", "Content-Length"} {
		h.Del(own)
	}
	return answer{r.StatusCode, fmt.Sprint(h), string(body)}
}

// tap is a transport that changes requests on their way, and keeps the last request and its
// response.
type tap struct {
	change  func(*http.Request)
	request *http.Request
	body    string // of the request
	answer  answer
}

// RoundTrip implements http.RoundTripper.
func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		setBody(r, string(text))
	}
	if p.change != nil {
		p.change(r)
	}
	p.request, p.body = r.Clone(context.Background()), bodyOf(r)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(strings.NewReader(string(text)))
	p.answer = answerOf(response, text)
	return response, err
}

// again sends the last request once more, unchanged.
func (p *tap) again() answer {
	r := p.request.Clone(context.Background())
	setBody(r, p.body)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return answerOf(response, text)
}

func setBody(r *http.Request, text string) {
	r.ContentLength, r.Body = int64(len(text)), http.NoBody
	if text != "" {
		r.Body = io.NopCloser(strings.NewReader(text))
	}
	r.GetBody = nil
}

func bodyOf(r *http.Request) string {
	if r.Body == nil {
		return ""
	}
	text, _ := io.ReadAll(r.Body)
	setBody(r, string(text))
	return string(text)
}
