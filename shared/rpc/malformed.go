package rpc

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
)

// Server is an HTTP server whose own refusals, of what is no HTTP, are JSON like every other answer: clients of the API
// read nothing else (api.md 8.2). Use its Serve; the other ways to listen go past it.
type Server struct {
	*http.Server
	// Connections is how many clients may be connected at once; 0: any number. Beyond it, a
	// connection whose request is not there as a whole is cut off for a newcomer, one of the client
	// that has most of them; and when all are being served, only GET /healthz is answered.
	Connections int
	// Bytes is what the headers of requests may take that are not whole, together with the bodies
	// of Options.Bytes, if it is the same budget; nil: no bound. It needs Connections.
	Bytes *inflight.Budget
	// Rejections counts what is cut off, as Options.Refusals; nil: it is only logged.
	Rejections *Rejections
}

// Serve answers on connections of l until the server is closed. It is called once.
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
	connections *connections // nil: any number
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
	plainErrorHeaders = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
)

func (c *conn) Write(b []byte) (int, error) {
	if len(b) < 512 && bytes.HasPrefix(b, plainErrorStart) {
		if line, text, ok := bytes.Cut(b, plainErrorHeaders); ok && !bytes.Contains(line, []byte("\n")) {
			if _, err := c.write(malformedResponse(string(line[len(plainErrorStart):]), string(text)), paceTime); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	}
	return c.writePaced(b)
}

// A client must take this many bytes within this time, or half of it when the one before came just
// in time, or it is cut off: 2 KB a second, 4 KB at most.
const (
	paceBytes = 64 << 10
	paceTime  = 30 * time.Second
)

// writePaced writes in pieces, each within its time. The whole answer has the server's WriteTimeout, too.
func (c *conn) writePaced(b []byte) (written int, err error) {
	for {
		n, err := c.write(b[:min(len(b), paceBytes)], paceTime)
		written += n
		if b = b[n:]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// write writes within a time.
func (c *conn) write(b []byte, timeout time.Duration) (int, error) {
	c.writes.beginWithin(timeout, c.Conn.SetWriteDeadline)
	defer c.writes.end()
	return c.Conn.Write(b)
}

// CloseWrite lets net/http end an answer before it has read all of a request.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// malformedResponse gives the whole answer for a refusal of net/http: its status, "400 Bad Request: why", and its text.
func malformedResponse(status, text string) []byte {
	code, _ := strconv.Atoi(status[:min(3, len(status))])
	f := invalid("The request is no valid HTTP: %s.", cut(text))
	if code == http.StatusRequestHeaderFieldsTooLarge {
		f = fault.New(fault.EntityTooLarge, "The query and the headers of the request are too large. Send the parameters as a form in the body of a POST.")
	}
	return fullResponse(code, f)
}

// faultResponse is the whole answer for a fault of a connection that has no request.
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

// respondNoConnection answers a request for which there is no place, without reading its body.
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
