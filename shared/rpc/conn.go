package rpc

import (
	"bytes"
	linked "container/list"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"millrace/shared/inflight"
)

// conn rewrites the answers that net/http writes before there is a request to handle: each is one
// write of a status line and these headers; an answer of a handler has others, a Date among them.
// It also bounds what net/http reads before that.
type conn struct {
	net.Conn
	connections *connections // nil: without bounds
	from        netip.Prefix
	body        trackedBody // of the request that is served

	reads, writes deadline

	head    atomic.Int64 // what has come since the last answer, before the handler began, as it is charged
	serving atomic.Bool

	// Over connections.mu:
	headHold       inflight.Hold
	peer           *peer // nil in a spare place
	admitted       bool
	isSpare        bool
	idleElement    *linked.Element // among those that wait; nil while a request is served
	idleSince      time.Time       // when it began to wait
	holdingElement *linked.Element // among holders
	heldSince      time.Time
}

// Close frees the place of the connection.
func (c *conn) Close() error {
	if c.connections != nil {
		c.connections.release(c)
	}
	return c.Conn.Close()
}

// Bounds of what comes before a handler begins. A header of a few bytes takes much more memory than
// that, so each line is charged, too.
const (
	headFree  = 16 << 10 // bytes that are not charged to the budget
	lineBytes = 256
	headMax   = 4 << 20 // more than the server's MaxHeaderBytes and some hundred headers
)

// Read charges what comes before a handler begins, which is the query and the headers, to the
// budget of the process.
func (c *conn) Read(b []byte) (int, error) {
	c.reads.begin(c.Conn.SetReadDeadline)
	n, err := c.Conn.Read(b)
	c.reads.end()
	if c.connections == nil || c.serving.Load() {
		return n, err
	}
	if head := c.head.Add(int64(n + lineBytes*bytes.Count(b[:n], newline))); head > headFree {
		if refusal := c.connections.charge(c, head); refusal != nil {
			c.write(refusal, time.Second)
			return 0, io.EOF
		}
	}
	return n, err
}

// SetReadDeadline bounds how long Read waits.
func (c *conn) SetReadDeadline(t time.Time) error { return c.reads.move(t, c.Conn.SetReadDeadline) }

// SetWriteDeadline bounds how long Write waits.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.writes.move(t, c.Conn.SetWriteDeadline) }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

var newline = []byte{'\n'}

// charge takes what a request's headers may hold from the budget, or returns the answer that
// refuses the request.
func (g *connections) charge(c *conn, head int64) (refusal []byte) {
	if head > headMax {
		g.rejections.add(rejectedHead)
		return malformedResponse("431", "")
	}
	g.mu.Lock()
	ok := c.headHold.TryGrow(2 * head)
	g.mu.Unlock()
	if !ok {
		g.rejections.add(rejectedBytes)
		return faultResponse(tooBusy())
	}
	g.markHolding(c)
	return nil
}
