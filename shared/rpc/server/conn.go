package server

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

// conn replaces the error responses that net/http writes by itself, before a handler is called.
// Such a response is one write of a status line and plainErrorHeaders; the response of a handler
// has other headers, for example Date. conn also limits the bytes that net/http reads before a
// handler is called.
type conn struct {
	net.Conn
	connections *connections // nil: no limits
	from        netip.Prefix
	body        trackedBody // of the request that is being served

	reads, writes deadline

	head    atomic.Int64 // bytes charged for the query and the headers of the next request
	serving atomic.Bool

	// connections.mu guards these:
	headHold       inflight.Hold
	peer           *peer // nil for a spare connection
	admitted       bool
	isSpare        bool
	idleElement    *linked.Element // in peer.idle or spareIdle; nil while a request is served
	idleSince      time.Time       // when it became idle
	holdingElement *linked.Element // in connections.holders
	heldSince      time.Time
}

// Close releases the place of the connection.
func (c *conn) Close() error {
	if c.connections != nil {
		c.connections.release(c)
	}
	return c.Conn.Close()
}

// Limits of what is read before a handler is called. A header takes much more memory than its
// bytes, so each line is charged as well.
const (
	headFree  = 16 << 10 // bytes that are not charged to the budget
	lineBytes = 256
	headMax   = 4 << 20 // more than the server's MaxHeaderBytes plus some hundred headers
)

// Read charges the query and the headers, which arrive before the handler is called, to the budget
// of the process.
func (c *conn) Read(b []byte) (int, error) {
	c.reads.begin(c.Conn.SetReadDeadline)
	n, err := c.Conn.Read(b)
	c.reads.end()
	if c.connections == nil || c.serving.Load() {
		return n, err
	}
	if head := c.head.Add(int64(n + lineBytes*bytes.Count(b[:n], newline))); head > headFree {
		if response := c.connections.charge(c, head); response != nil {
			c.write(response, time.Second)
			return 0, io.EOF
		}
	}
	return n, err
}

func (c *conn) SetReadDeadline(t time.Time) error { return c.reads.move(t, c.Conn.SetReadDeadline) }

func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.writes.move(t, c.Conn.SetWriteDeadline)
}

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

var newline = []byte{'\n'}

// charge charges the headers of a request to the budget. If they do not fit, it returns the
// response that rejects the request.
func (g *connections) charge(c *conn, head int64) (response []byte) {
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
