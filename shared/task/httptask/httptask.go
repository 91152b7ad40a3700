// Package httptask carries out HTTP:Request: one HTTP call whose answer becomes {"Header","Code","Body"}.
// A status of 400 or more is the error HTTP.{status} with that envelope as its cause; a call without an answer is
// HTTP.RequestFailed; parameters that make no request are HTTP.InvalidArgument. Redirects are followed; one to another
// host gets none of the flow's headers.
package httptask

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"

	"millrace/shared/task"
	"millrace/shared/task/outbound"
)

// Headers that the engine sets on a request; a flow cannot.
const (
	TokenHeader = "X-FnF-Http-Callback-Task-Token" // the task token, in Mode Custom
	KeyHeader   = "X-FnF-Idempotency-Key"          // equal for every call of one attempt
)

// Action is the action that the runner carries out.
const Action = "HTTP:Request"

// Runner carries out HTTP:Request through a client.
type Runner struct {
	client *http.Client
}

// New returns a runner that calls through client, which must be one of package outbound.
func New(client *http.Client) *Runner { return &Runner{client: client} }

// Run makes the call and returns when the whole answer has been read or ctx is done. In Mode Custom the output is
// the answer too; it does not count then.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	call, err := parse(&r)
	if err != nil {
		return r.Failf("InvalidArgument", "%v", err)
	}
	req, err := call.request(ctx)
	if err != nil {
		return r.Failf("InvalidArgument", "%v", err)
	}
	if r.Mode == task.Custom && r.Token != "" {
		req.Header.Set(TokenHeader, r.Token)
	}
	if r.Key != "" {
		req.Header.Set(KeyHeader, r.Key)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return failed(&r, err)
	}
	body, err := outbound.ReadAll(resp)
	if err != nil {
		return failed(&r, err)
	}
	return response(&r, resp, body)
}

// response turns a response into a result.
func response(r *task.Request, resp *http.Response, body []byte) task.Result {
	if resp.StatusCode >= 400 {
		return task.NewError(r.ErrorName(strconv.Itoa(resp.StatusCode)), task.Cause(resp.Header, resp.StatusCode, body)).Result()
	}
	answered := task.HTTPResult(resp.Header, resp.StatusCode, body)
	if answered.Error != nil && r.Mode == task.Custom {
		return task.Accepted(resp.Header, resp.StatusCode) // the answer does not count
	}
	return answered
}

// failed is the result of a call without a usable answer. The cause does not name the address: it may hold secrets.
func failed(r *task.Request, err error) task.Result {
	for _, broken := range []error{outbound.ErrTooLarge, outbound.ErrTooSlow} {
		if errors.Is(err, broken) {
			return r.Failf("RequestFailed", "The request got an answer, but %v.", broken)
		}
	}
	return r.Failf("RequestFailed", "The request got no answer: %s", outbound.Reason(err))
}

// request builds the HTTP request.
func (c *httpCall) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return nil, errors.New("the url cannot be called")
	}
	if len(c.body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	req.Header = c.header
	if host := c.header.Get("Host"); host != "" {
		req.Host = host
	}
	c.header.Del("Host")
	return req, nil
}
