package httpclient

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits of an exchange over plain HTTP.
const (
	// plainBodyMax is for requests: such a body fits into the socket buffers, so no peer can block
	// the write for ever.
	plainBodyMax     = 64 << 10
	informationalMax = 5        // responses 1xx before the final one
	responseHead     = 64 << 10 // of a response, also over TLS
)

// plain makes exchanges over plain HTTP/1.1 in the caller's goroutine, for requests with a small
// body, such as calls of services. The transport of net/http passes every exchange through two
// goroutines of its own, which costs a quarter of a call to a near service. That transport, next,
// gets all other requests:
//   - requests over TLS;
//   - requests whose body cannot be written at once;
//   - requests without a body: their responses may be long, so compression is worth asking for;
//   - requests that may be repeated: net/http repeats them if a connection turns out to be closed.
type plain struct {
	next *http.Transport
	pool idlePool
}

// RoundTrip sends one request and returns when it has read the head of the response.
func (p *plain) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isPlain(r) {
		return p.next.RoundTrip(r)
	}
	// The end of the context closes the connection too late to stop a request.
	if err := r.Context().Err(); err != nil {
		r.Body.Close()
		return nil, err
	}
	c, err := p.connect(r.Context(), plainAddress(r))
	if err != nil {
		r.Body.Close()
		return nil, err
	}
	return p.exchange(c, r)
}

// CloseIdleConnections closes the idle connections.
func (p *plain) CloseIdleConnections() {
	p.pool.closeAll()
	p.next.CloseIdleConnections()
}

// isPlain reports whether plain makes the exchange itself: the request has a small body, asks for
// nothing but a response, and does not say that it may be repeated.
func isPlain(r *http.Request) bool {
	if r.URL.Scheme != "http" || r.ContentLength <= 0 || r.ContentLength > plainBodyMax {
		return false
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	for _, name := range []string{
		"Expect", "Upgrade", "Connection", "Te", "Trailer", "Idempotency-Key", "X-Idempotency-Key",
	} {
		if _, there := r.Header[name]; there {
			return false
		}
	}
	for i := 0; i < len(r.URL.Host); i++ {
		if r.URL.Host[i] >= 0x80 {
			return false
		}
	}
	return r.URL.Host != "" && len(r.TransferEncoding) == 0 && r.Trailer == nil && !r.Close
}

// plainAddress returns the address of a request, with the port.
func plainAddress(r *http.Request) string {
	port := r.URL.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(r.URL.Hostname(), port)
}

// connect returns an idle connection that is still open, or a new one.
func (p *plain) connect(ctx context.Context, address string) (*plainConn, error) {
	for c := p.pool.take(address); c != nil; c = p.pool.take(address) {
		if c.open() {
			return c, nil
		}
		c.Close()
	}
	conn, err := p.next.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return newPlainConn(conn, address), nil
}

// exchange writes the request and reads the head of the response. If the request's context ends
// before the response has been read, the connection is closed.
func (p *plain) exchange(c *plainConn, r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	stopWatch := context.AfterFunc(ctx, func() { c.Close() })
	resp, err := c.exchange(r)
	if err != nil {
		stopWatch()
		c.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	b := &plainBody{pool: &p.pool, c: c, ctx: ctx, body: resp.Body, stopWatch: stopWatch,
		keep: !resp.Close && resp.StatusCode != http.StatusSwitchingProtocols}
	if resp.Body == http.NoBody {
		b.end(true)
		return resp, nil
	}
	resp.Body = b
	return resp, nil
}

// plainConn is a connection, used by one exchange at a time.
type plainConn struct {
	net.Conn
	address string
	idle    time.Time // since when it is idle
	head    limitedHead
	in      *bufio.Reader
	out     *bufio.Writer
	peek    peeker
}

func newPlainConn(conn net.Conn, address string) *plainConn {
	c := &plainConn{
		Conn: conn, address: address, head: limitedHead{conn: conn}, out: bufio.NewWriter(conn),
	}
	c.in = bufio.NewReader(&c.head)
	c.peek.init(conn)
	return c
}

// exchange writes the request and reads the head of the response.
func (c *plainConn) exchange(r *http.Request) (*http.Response, error) {
	if err := r.Write(c.out); err != nil {
		return nil, err
	}
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	for range informationalMax {
		c.head.left = responseHead
		resp, err := http.ReadResponse(c.in, r)
		if err != nil {
			return nil, c.reason(err)
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			c.head.left = math.MaxInt64
			return resp, nil
		}
	}
	return nil, errors.New("the service sends 1xx again and again")
}

// reason returns the error for a connection that ended before the response.
func (c *plainConn) reason(err error) error {
	switch {
	case c.head.left <= 0:
		return errors.New("the headers of the response are too large")
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return errors.New("the service closed the connection without a response")
	}
	return err
}

// limitedHead limits what is read from a connection until the head of a response has been read.
type limitedHead struct {
	conn net.Conn
	left int64
}

func (h *limitedHead) Read(p []byte) (int, error) {
	if h.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > h.left {
		p = p[:h.left]
	}
	n, err := h.conn.Read(p)
	h.left -= int64(n)
	return n, err
}

// plainBody is the body of a response. At its end, the connection returns to the pool.
type plainBody struct {
	pool *idlePool
	c    *plainConn
	ctx  context.Context
	body io.ReadCloser
	// stopWatch stops watching the context. It returns false if the context has closed the
	// connection.
	stopWatch func() bool
	keep      bool // the connection may be reused
	ended     atomic.Bool
}

func (b *plainBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err == nil {
		return n, nil
	}
	b.end(err == io.EOF)
	if err != io.EOF && b.ctx.Err() != nil {
		err = b.ctx.Err()
	}
	return n, err
}

// Close closes the connection if the body has not been read to its end.
func (b *plainBody) Close() error {
	b.end(false)
	return nil
}

// end returns the connection to the pool if the whole response has been read and no data follows
// it. Otherwise it closes the connection.
func (b *plainBody) end(whole bool) {
	if !b.ended.CompareAndSwap(false, true) {
		return
	}
	if b.stopWatch() && whole && b.keep && b.c.in.Buffered() == 0 {
		b.pool.put(b.c)
		return
	}
	b.c.Close()
}

// cut aborts a Read in another goroutine. It does nothing if the connection has already returned to
// the pool, because another exchange may use it.
func (b *plainBody) cut() {
	if b.ended.CompareAndSwap(false, true) {
		b.stopWatch()
		b.c.Close()
	}
}
