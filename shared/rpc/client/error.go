package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"millrace/shared/fault"
	"millrace/shared/rpc"
	"millrace/shared/value"
)

// ErrorResponse is the cause of a *fault.Error that a server returned. It holds the response's
// other fields.
type ErrorResponse struct {
	HTTPStatus int
	RequestID  string
	HostID     string
	Recommend  string
}

// Error returns the status and the request id.
func (r *ErrorResponse) Error() string {
	return fmt.Sprintf("HTTP %d, request id %s", r.HTTPStatus, r.RequestID)
}

// RequestID returns the id of the request that failed with err, an error of Client; "" if no server
// responded.
func RequestID(err error) string {
	var r *ErrorResponse
	if errors.As(err, &r) {
		return r.RequestID
	}
	return ""
}

// responseFault returns the fault that an error response holds.
func responseFault(status int, body []byte) error {
	var e struct {
		RequestID                string `json:"RequestId"`
		HostID                   string `json:"HostId"`
		Code, Message, Recommend string
	}
	if err := value.UnmarshalLenient(body, &e); err != nil || e.Code == "" {
		e.Code = string(fault.InternalServerError)
		e.Message = fmt.Sprintf("The response is no response of CloudFlow: HTTP %d, %q.",
			status, rpc.Cut(string(body)))
	}
	return &fault.Error{Code: fault.Code(e.Code), Message: e.Message, Err: &ErrorResponse{
		HTTPStatus: status, RequestID: e.RequestID, HostID: e.HostID, Recommend: e.Recommend,
	}}
}

// unreachable explains what to do if no response arrived. It drops the URL, because its query may
// hold tokens.
func (c *Client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var dial *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no response from %s in time: %w", c.Endpoint, err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%s speaks plain HTTP; if that is meant, write the endpoint as http://%s",
			c.Endpoint, c.url.Host)
	case errors.As(err, &dial) && dial.Op == "dial" &&
		!strings.HasSuffix(c.url.Hostname(), ".aliyuncs.com"):
		return fmt.Errorf("cannot connect; is `millrace serve` running at %s? (%w)",
			c.Endpoint, err)
	}
	return fmt.Errorf("cannot reach %s; check the endpoint and the network (%w)", c.Endpoint, err)
}

// refused reports whether err means that no program listens at the endpoint.
func refused(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED)
}

// unexpectedResponse is the error for a successful response that does not come from CloudFlow.
func (c *Client) unexpectedResponse() error {
	return fmt.Errorf("the response of %s is no response of CloudFlow; is it the right "+
		"endpoint?", c.Endpoint)
}
