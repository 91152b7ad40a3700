package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"millrace/shared/fault"
	"millrace/shared/headers"
	"millrace/shared/inflight"
	"millrace/shared/rpc"
)

// Server is an HTTP server whose own error responses, to malformed HTTP, are JSON: clients of the
// API read nothing else. Use its Serve and ListenAndServe; the other methods of http.Server bypass
// this.
type Server struct {
	*http.Server
	// Connections is the most connections that may be open; 0: any number. At that number, a new
	// connection evicts an idle one, whose request is incomplete, of the peer that has the most of
	// them. If no connection is idle, only GET /healthz is served.
	Connections int
	// Bytes limits what the headers of incomplete requests may hold, together with the bodies of
	// Options.Bytes if it is the same budget; nil: no limit. It requires Connections.
	Bytes *inflight.Budget
	// Rejections counts rejected and evicted connections, as Options.Rejections does; nil: they are
	// only logged.
	Rejections *Rejections
}

// Serve serves the connections of l until the server is closed. It must be called at most once.
func (s *Server) Serve(l net.Listener) error {
	if s.Connections <= 0 {
		return s.Server.Serve(listener{l, nil})
	}
	if s.Rejections == nil {
		s.Rejections = NewRejections(slog.Default())
	}
	g := newConnections(s.Connections, s.Bytes, s.Rejections)
	s.ConnContext = g.context
	s.Handler = g.wrap(s.Handler)
	return s.Server.Serve(listener{l, g})
}

// ListenAndServe listens on Addr and serves.
func (s *Server) ListenAndServe() error {
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

type listener struct {
	net.Listener
	connections *connections // nil: no limits
}

func (l listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: accepted, connections: l.connections}
		if l.connections == nil || l.connections.acquire(c) {
			return c, nil
		}
		accepted.Close()
	}
}

var (
	plainErrorStart   = []byte("HTTP/1.1 ")
	plainErrorHeaders = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Connection: close\r\n\r\n")
)

func (c *conn) Write(b []byte) (int, error) {
	if len(b) < 512 && bytes.HasPrefix(b, plainErrorStart) {
		if line, text, ok := bytes.Cut(b, plainErrorHeaders); ok &&
			!bytes.Contains(line, []byte("\n")) {
			response := malformedResponse(string(line[len(plainErrorStart):]), string(text))
			if _, err := c.write(response, paceTime); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	}
	return c.writePaced(b)
}

// A client must read paceBytes within paceTime, or within half of it if the deadline of an earlier
// write is still good enough (deadline.beginWithin). Otherwise its connection is closed. That is 2
// to 4 KB a second.
const (
	paceBytes = 64 << 10
	paceTime  = 30 * time.Second
)

// writePaced writes in pieces of paceBytes, each within paceTime. The whole response has the
// server's WriteTimeout too.
func (c *conn) writePaced(b []byte) (written int, err error) {
	for {
		n, err := c.write(b[:min(len(b), paceBytes)], paceTime)
		written += n
		if b = b[n:]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// write writes b within timeout.
func (c *conn) write(b []byte, timeout time.Duration) (int, error) {
	c.writes.beginWithin(timeout, c.Conn.SetWriteDeadline)
	defer c.writes.end()
	return c.Conn.Write(b)
}

// CloseWrite lets net/http finish a response before it has read the whole request.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// malformedResponse returns the full response that replaces an error of net/http, given its status
// ("400 Bad Request: why") and its text.
func malformedResponse(status, text string) []byte {
	code, _ := strconv.Atoi(status[:min(3, len(status))])
	f := invalid("The request is no valid HTTP: %s.", rpc.Cut(text))
	if code == http.StatusRequestHeaderFieldsTooLarge {
		f = fault.New(fault.EntityTooLarge,
			"The query and the headers of the request are too large. Send the parameters as a "+
				"form in the body of a POST.")
	}
	return fullResponse(code, f)
}

// faultResponse returns the full response for a fault of a connection that has no request.
func faultResponse(f *fault.Error) []byte { return fullResponse(f.Code.Status(), f) }

func fullResponse(status int, f *fault.Error) []byte {
	id := newRequestID()
	body := faultBody(id, f)
	return append(fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n"+
		"Content-Type: %s\r\nContent-Length: %d\r\nX-Acs-Request-Id: %s\r\n"+
		"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), jsonType[0], len(body), id), body...)
}

func faultBody(id string, f *fault.Error) []byte {
	body := []byte{'{'}
	body = field(body, "RequestId", id)
	body = field(body, "HostId", "")
	body = field(body, "Code", string(f.Code))
	body = field(body, "Message", f.Message)
	body = field(body, "Recommend", "")
	return append(body, '}')
}

// respondNoConnection responds to a request on a spare connection, without reading its body.
func respondNoConnection(w http.ResponseWriter) {
	f := fault.New(fault.ServiceUnavailable, "The server has as many connections as it may have, "+
		"and all of them are being served. Please try again later.")
	id := newRequestID()
	head := w.Header()
	head["Content-Type"], head["X-Acs-Request-Id"] = jsonType, []string{id}
	headers.Private(head)
	w.WriteHeader(f.Code.Status())
	w.Write(faultBody(id, f))
}
