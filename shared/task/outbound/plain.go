package outbound

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

// Bounds of an exchange over plain HTTP.
const (
	plainBodyMax     = 64 << 10 // of a request: it fits into the sockets' buffers, so that no peer can stop the writing for ever
	informationalMax = 5        // answers 1xx before the one that counts
	responseHead     = 64 << 10 // of an answer, also over TLS
)

// plain makes exchanges over plain HTTP/1.1 in the goroutine of the caller: those that bring a small body, as calls to
// services do. The transport of net/http passes every exchange through two goroutines of its own, which is a quarter of
// what a call to a near service costs. It gets the rest: TLS, bodies that cannot be written at once, and requests without
// one, whose answers may be long and so worth asking for in compressed form, and those that may be sent again, which it does
// when a connection turns out to be closed.
type plain struct {
	next *http.Transport
	pool idlePool
}

// RoundTrip sends one request and returns when the head of its answer has been read.
func (p *plain) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isPlain(r) {
		return p.next.RoundTrip(r)
	}
	if err := r.Context().Err(); err != nil { // its end closes a connection too late to keep a request back
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

// CloseIdleConnections closes what waits for another exchange.
func (p *plain) CloseIdleConnections() {
	p.pool.closeAll()
	p.next.CloseIdleConnections()
}

// isPlain tells whether a request is for plain: it has a small body, asks for nothing beyond an answer, and does not say
// that it may be sent again.
func isPlain(r *http.Request) bool {
	if r.URL.Scheme != "http" || r.ContentLength <= 0 || r.ContentLength > plainBodyMax {
		return false
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	for _, name := range []string{"Expect", "Upgrade", "Connection", "Te", "Trailer", "Idempotency-Key", "X-Idempotency-Key"} {
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

// plainAddress is where a request goes, with the port.
func plainAddress(r *http.Request) string {
	port := r.URL.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(r.URL.Hostname(), port)
}

// connect gives an idle connection that is still open, or a new one.
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

// exchange writes the request and reads the head of the answer. The end of the request's context closes the connection,
// until the answer has been read.
func (p *plain) exchange(c *plainConn, r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	live := context.AfterFunc(ctx, func() { c.Close() })
	resp, err := c.exchange(r)
	if err != nil {
		live()
		c.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	b := &plainBody{pool: &p.pool, c: c, ctx: ctx, body: resp.Body, stopWatch: live,
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
	idle    time.Time // since when
	head    limitedHead
	in      *bufio.Reader
	out     *bufio.Writer
	peek    peeker
}

func newPlainConn(conn net.Conn, address string) *plainConn {
	c := &plainConn{Conn: conn, address: address, head: limitedHead{conn: conn}, out: bufio.NewWriter(conn)}
	c.in = bufio.NewReader(&c.head)
	c.peek.init(conn)
	return c
}

// exchange writes the request and reads the head of the answer.
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
	return nil, errors.New("the service answers 1xx again and again")
}

// reason says what the end of a connection means where an answer should be.
func (c *plainConn) reason(err error) error {
	switch {
	case c.head.left <= 0:
		return errors.New("the headers of the response are too large")
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return errors.New("the service closed the connection without an answer")
	}
	return err
}

// limitedHead bounds what is read of a connection until the head of an answer is over.
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

// plainBody is the body of an answer. Its end gives the connection back.
type plainBody struct {
	pool      *idlePool
	c         *plainConn
	ctx       context.Context
	body      io.ReadCloser
	stopWatch func() bool // ends the watch over the context; false: it has closed the connection
	keep      bool        // the connection may be used again
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

// Close gives up what has not been read, and the connection with it.
func (b *plainBody) Close() error {
	b.end(false)
	return nil
}

// end gives the connection back when the answer has been read whole and nothing follows it.
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

// cut ends a Read of another goroutine. A connection that has been given back is another answer's.
func (b *plainBody) cut() {
	if b.ended.CompareAndSwap(false, true) {
		b.stopWatch()
		b.c.Close()
	}
}
