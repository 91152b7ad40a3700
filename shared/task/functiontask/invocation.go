package functiontask

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"millrace/shared/flow"
)

// KeyHeader carries the idempotency key to a function. The key, like the request id, is the same
// for every call of one attempt.
const KeyHeader = "X-FnF-Idempotency-Key"

// AccountHeader carries the account of the calling flow. X-Fc-Account-Id carries the account in the
// function's resource name.
const AccountHeader = "X-Millrace-Account-Id"

// invocation is one event on its way to a function.
type invocation struct {
	*invokeRequest
	id       string
	key      string
	deadline time.Time
	timeout  int // seconds from the start to the deadline, at least 1
}

// response is the response of a function that did not fail.
type response struct {
	status int
	header http.Header
	body   []byte
}

// backend carries an invocation to a function. invoke returns soon after ctx is done.
type backend interface {
	invoke(ctx context.Context, in *invocation) (response, *flow.Error)
	close(ctx context.Context)
}

// newInvocation sets the deadline: that of ctx, but at most timeoutMax from now.
func newInvocation(ctx context.Context, c *invokeRequest, id, key string) *invocation {
	in := &invocation{invokeRequest: c, id: id, key: key}
	now := time.Now()
	in.deadline = now.Add(timeoutMax * time.Second)
	if d, ok := ctx.Deadline(); ok && d.Before(in.deadline) {
		in.deadline = d
	}
	in.timeout = max(1, int(in.deadline.Sub(now)+time.Second-1)/int(time.Second))
	return in
}

// header returns the x-fc-* headers. They are the same for a request to a custom runtime and for
// the runtime API.
func (in *invocation) header() http.Header {
	t := in.target
	h := http.Header{
		"X-Fc-Request-Id":        {in.id},
		"X-Fc-Function-Name":     {t.Name},
		"X-Fc-Function-Handler":  {"index.handler"},
		"X-Fc-Function-Memory":   {"512"},
		"X-Fc-Function-Type":     {"0"},
		"X-Fc-Function-Timeout":  {strconv.Itoa(in.timeout)},
		"X-Fc-Function-Deadline": {strconv.FormatInt(in.deadline.UnixMilli(), 10)},
		"X-Fc-Service-Name":      {t.Service},
		"X-Fc-Qualifier":         {t.Qualifier},
		"X-Fc-Version-Id":        {t.Qualifier},
		"X-Fc-Region":            {t.Region},
		"X-Fc-Account-Id":        {t.Account},
		"X-Fc-Retry-Count":       {"0"},
		AccountHeader:            {in.account},
	}
	if in.key != "" && isHeaderText(in.key) {
		h.Set(KeyHeader, in.key)
	}
	if in.asyncID != "" {
		h.Set("X-Fc-Async-Task-Id", in.asyncID)
	}
	return h
}

// isHeaderText reports whether s may be the value of a header.
func isHeaderText(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// fixedBackend returns the response that the functions file contains.
type fixedBackend struct {
	reply json.RawMessage
	err   *flow.Error
}

func (f fixedBackend) invoke(context.Context, *invocation) (response, *flow.Error) {
	if f.err != nil {
		return response{}, f.err
	}
	return response{status: http.StatusOK, body: f.reply}, nil
}

func (f fixedBackend) close(context.Context) {}
