package client

import (
	"errors"
	"fmt"
	"strings"

	"millrace/shared/rpc"
	"millrace/shared/rpc/sign"
)

// ErrPlainHTTP is the error of a client that would send a secret to another machine without TLS.
// Signed requests hold no secret: a signature is valid for one request only.
var ErrPlainHTTP = errors.New("is not sent over plain HTTP to another machine, " +
	"for everybody on the way could use it; call an https:// endpoint (a server serves one with " +
	"--tls-cert and --tls-key), or one on this machine, such as the end of an SSH tunnel")

// exposed reports whether the requests can be read on their way to the server.
func (c *Client) exposed() bool { return c.url.Scheme == "http" && !rpc.IsLoopback(c.url.Host) }

// checkParams returns an error if list holds a task token and the requests are exposed.
func (c *Client) checkParams(list []sign.Param) error {
	if !c.plain {
		return nil
	}
	for _, p := range list {
		// TaskToken, CallbackFnFTaskToken
		if strings.HasSuffix(p.Name, "TaskToken") && p.Value != "" {
			return fmt.Errorf("a task token %w", ErrPlainHTTP)
		}
	}
	return nil
}
