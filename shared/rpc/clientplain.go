package rpc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"millrace/shared/rpc/sign"
)

// ErrPlainHTTP is the error of a client that would send a secret as it is to another machine
// without TLS. Signed requests hold none: a signature is good for one request.
var ErrPlainHTTP = errors.New("is not sent over plain HTTP to another machine, for everybody on the way could use it; " +
	"call an https:// endpoint (a server serves one with --tls-cert and --tls-key), or one on this machine, such as the " +
	"end of an SSH tunnel")

// IsLoopback reports whether a host, with or without a port, is this machine by name or address. No
// name is looked up.
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

// exposed reports whether what the client sends can be read on the way to its server.
func (c *Client) exposed() bool { return c.url.Scheme == "http" && !IsLoopback(c.url.Host) }

// checkParams refuses to send a task token where it can be read.
func (c *Client) checkParams(list []sign.Param) error {
	if !c.plain {
		return nil
	}
	for _, p := range list {
		if strings.HasSuffix(p.Name, "TaskToken") && p.Value != "" { // TaskToken, CallbackFnFTaskToken
			return fmt.Errorf("a task token %w", ErrPlainHTTP)
		}
	}
	return nil
}
