package rpc

import (
	"bytes"
	linked "container/list"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"millrace/shared/fault"
)

// Server is an HTTP server whose own refusals, of what is no HTTP, are JSON like every other answer: clients of the API
// read nothing else (api.md 8.2). Use its Serve; the other ways to listen go past it.
type Server struct {
	*http.Server
	// Connections is how many clients may be connected at once; 0: any number. Beyond it, who has waited longest without
	// sending a request is cut off for a newcomer.
	Connections int
}

// Serve answers on connections of l until the server is closed. It is called once.
func (s *Server) Serve(l net.Listener) error {
	if s.Connections <= 0 {
		return s.Server.Serve(listener{l, nil})
	}
	g := &connections{most: s.Connections}
	s.ConnContext = g.context
	s.Handler = g.around(s.Handler)
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
		if l.connections == nil || l.connections.enter(c) {
			return c, nil
		}
		accepted.Close()
	}
}

// conn rewrites the answers that net/http writes before there is a request to handle. Each is one write of a status line
// and these headers; an answer of a handler has others, a Date among them.
type conn struct {
	net.Conn
	connections *connections
	inside      bool            // over connections.mu
	place       *linked.Element // among those that wait; nil while a request is served; over connections.mu
	since       time.Time       // when it began to wait; over connections.mu
}

// Close gives the place of the connection free.
func (c *conn) Close() error {
	if c.connections != nil {
		c.connections.leave(c)
	}
	return c.Conn.Close()
}

var (
	refusedStart   = []byte("HTTP/1.1 ")
	refusedHeaders = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
)

func (c *conn) Write(b []byte) (int, error) {
	if len(b) < 512 && bytes.HasPrefix(b, refusedStart) {
		if line, text, ok := bytes.Cut(b, refusedHeaders); ok && !bytes.Contains(line, []byte("\n")) {
			if _, err := c.Conn.Write(malformed(string(line[len(refusedStart):]), string(text))); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	}
	return c.Conn.Write(b)
}

// CloseWrite lets net/http end an answer before it has read all of a request.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// malformed gives the whole answer for a refusal of net/http: its status, "400 Bad Request: why", and its text.
func malformed(status, text string) []byte {
	code, _ := strconv.Atoi(status[:min(3, len(status))])
	f := invalid("The request is no valid HTTP: %s.", cut(text))
	if code == http.StatusRequestHeaderFieldsTooLarge {
		f = fault.New(fault.EntityTooLarge, "The query and the headers of the request are too large. Send the parameters as a form in the body of a POST.")
	}
	id := newRequestID()
	body := []byte{'{'}
	body = field(body, "RequestId", id)
	body = field(body, "HostId", "")
	body = field(body, "Code", string(f.Code))
	body = field(body, "Message", f.Message)
	body = field(body, "Recommend", "")
	body = append(body, '}')
	return append(fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nX-Acs-Request-Id: %s\r\nConnection: close\r\n\r\n",
		code, http.StatusText(code), jsonType[0], len(body), id), body...)
}
