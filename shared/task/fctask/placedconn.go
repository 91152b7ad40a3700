package fctask

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// placedConn frees its place when it is closed. It also knows what became of the event that was last
// written to it: a process may close a connection at the moment at which it gets one, and neither a
// write nor the request's context shows that in time.
type placedConn struct {
	net.Conn
	free    func()
	carried atomic.Pointer[carried]
	broken  atomic.Bool // a read or a write has failed, other than by the end of what the process sends
}

// carried is an event on a connection whose process has not shown yet that it has read it.
type carried struct{ giveBack func() }

func newPlacedConn(conn net.Conn, free func()) *placedConn {
	return &placedConn{Conn: conn, free: sync.OnceFunc(free)}
}

// carry notes that an event follows. giveBack is called if the connection ends before the process
// has read all of it; not if that cannot be known.
func (c *placedConn) carry(giveBack func()) { c.carried.Store(&carried{giveBack}) }

// Read reads what the process sends; it sends nothing more before it has read its event.
func (c *placedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.carried.Store(nil)
	}
	if err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.broken.Store(true)
	}
	return n, err
}

// Write writes an answer.
func (c *placedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

// Close closes the connection. A peer that closes a connection before it has read everything resets
// it; one that has read everything does not, and has the event.
func (c *placedConn) Close() error {
	defer c.free()
	if event := c.carried.Swap(nil); event != nil && (c.broken.Load() || wasReset(c.Conn)) {
		event.giveBack()
	}
	return c.Conn.Close()
}

// connKey is the key of the connection in a request's context.
type connKey struct{}

// withConn is an http.Server's ConnContext.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// connOf returns the connection by which a request came.
func connOf(ctx context.Context) *placedConn {
	return ctx.Value(connKey{}).(*placedConn)
}
