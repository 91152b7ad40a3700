package functiontask

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/task"
)

// httpBackend is a function at an HTTP address that speaks the protocol of custom runtimes.
type httpBackend struct {
	client *http.Client
	url    string
}

// newHTTPBackend returns the backend for an address. It appends /invoke to the path unless it is
// there.
func newHTTPBackend(client *http.Client, address string) *httpBackend {
	if u, err := url.Parse(address); err == nil && !strings.HasSuffix(u.Path, "/invoke") {
		address = u.JoinPath("invoke").String()
	}
	return &httpBackend{client: client, url: address}
}

// invoke posts the event.
func (c *httpBackend) invoke(ctx context.Context, in *invocation) (response, *flow.Error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(in.event))
	if err != nil {
		return response{}, task.NewError(unknown,
			"The address of function "+in.target.Name+" in the functions file cannot be called.")
	}
	req.Header = in.header()
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("X-Fc-Control-Path", "/invoke")
	resp, err := c.client.Do(req)
	if err != nil {
		return response{}, callFailure(ctx, in, err)
	}
	body, err := httpclient.ReadAll(resp)
	if err != nil {
		return response{}, callFailure(ctx, in, err)
	}
	if failure := failureOf(resp.StatusCode, resp.Header, body); failure != nil {
		return response{}, failure
	}
	return response{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

func (c *httpBackend) close(context.Context) {}

// callFailure returns the error of a call without a usable response.
func callFailure(ctx context.Context, in *invocation, err error) *flow.Error {
	if errors.Is(err, httpclient.ErrTooLarge) {
		return tooLarge(in)
	}
	if failure := contextFailure(ctx, in); failure != nil {
		return failure
	}
	return task.NewError(unknown,
		"The call of function "+in.target.Name+" broke: "+httpclient.Reason(err))
}

func tooLarge(in *invocation) *flow.Error {
	return task.NewError(entityTooLarge, "Function "+in.target.Name+" returned more than is read.")
}
