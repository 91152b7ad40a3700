package rpc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"millrace/shared/rpc/sign"
)

// ErrPlainHTTP is the error of a client that would send a secret to another machine without TLS.
// Signed requests hold no secret: a signature is valid for one request only.
var ErrPlainHTTP = errors.New("is not sent over plain HTTP to another machine, " +
	"for everybody on the way could use it; call an https:// endpoint (a server serves one with " +
	"--tls-cert and --tls-key), or one on this machine, such as the end of an SSH tunnel")

// IsLoopback reports whether a host, with or without a port, is this machine by name or address. It
// resolves no names.
func IsLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// exposed reports whether the requests can be read on their way to the server.
func (c *Client) exposed() bool { return c.url.Scheme == "http" && !IsLoopback(c.url.Host) }

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
