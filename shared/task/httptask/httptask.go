// Package httptask carries out HTTP:Request: one HTTP call whose response becomes
// {"Header","Code","Body"}. A status of 400 or more is the error HTTP.{status} with that envelope
// as its cause. A call without a response is HTTP.RequestFailed. Invalid parameters are
// HTTP.InvalidArgument. Redirects are followed; a redirect to another host carries none of the
// flow's headers.
package httptask

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/task"
)

// Headers that the engine sets on a request. A flow cannot set them.
const (
	TokenHeader = "X-FnF-Http-Callback-Task-Token" // the task token, in mode Custom
	KeyHeader   = "X-FnF-Idempotency-Key"          // the same for every call of one attempt
)

// Action is the action that the runner carries out.
const Action = "HTTP:Request"

// Runner carries out HTTP:Request through a client.
type Runner struct {
	client *http.Client
}

// New returns a runner that calls through client, which must be a client of package httpclient.
func New(client *http.Client) *Runner { return &Runner{client: client} }

// Run makes the call and returns when the whole response has been read or ctx is done. In mode
// Custom the output is the response too, but it does not count.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	call, err := parse(&r)
	if err != nil {
		return r.Failf("InvalidArgument", "%v", err)
	}
	req, err := call.request(ctx)
	if err != nil {
		return r.Failf("InvalidArgument", "%v", err)
	}
	if r.Mode == flow.WaitForCustomCallback && r.Token != "" {
		req.Header.Set(TokenHeader, r.Token)
	}
	if r.Key != "" {
		req.Header.Set(KeyHeader, r.Key)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return failed(&r, err)
	}
	body, err := httpclient.ReadAll(resp)
	if err != nil {
		return failed(&r, err)
	}
	return response(&r, resp, body)
}

// response converts a response to a result.
func response(r *task.Request, resp *http.Response, body []byte) task.Result {
	if resp.StatusCode >= 400 {
		return task.Failed(task.NewError(r.ErrorName(strconv.Itoa(resp.StatusCode)),
			task.Cause(resp.Header, resp.StatusCode, body)))
	}
	res := task.HTTPResult(resp.Header, resp.StatusCode, body)
	if res.Error != nil && r.Mode == flow.WaitForCustomCallback {
		return task.Accepted(resp.Header, resp.StatusCode) // the response does not count
	}
	return res
}

// failed returns the result of a call without a usable response. The cause does not contain the
// URL, because the URL may contain secrets.
func failed(r *task.Request, err error) task.Result {
	for _, broken := range []error{httpclient.ErrTooLarge, httpclient.ErrTooSlow} {
		if errors.Is(err, broken) {
			return r.Failf("RequestFailed", "The request got a response, but %v.", broken)
		}
	}
	return r.Failf("RequestFailed", "The request got no response: %s", httpclient.Reason(err))
}

// request returns the HTTP request.
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
