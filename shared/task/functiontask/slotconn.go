package functiontask

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// slotConn frees its place when it is closed. It also knows what became of the event that was last
// written to it: a process may close a connection at the moment at which it gets one, and neither a
// write nor the request's context shows that in time.
type slotConn struct {
	net.Conn
	free    func()
	pending atomic.Pointer[pendingEvent]
	broken  atomic.Bool // a read or a write has failed, other than by the end of what the process sends
}

// pendingEvent is an event on a connection whose process has not shown yet that it has read it.
type pendingEvent struct{ requeue func() }

func newSlotConn(conn net.Conn, free func()) *slotConn {
	return &slotConn{Conn: conn, free: sync.OnceFunc(free)}
}

// trackEvent notes that an event follows. giveBack is called if the connection ends before the process
// has read all of it; not if that cannot be known.
func (c *slotConn) trackEvent(giveBack func()) { c.pending.Store(&pendingEvent{giveBack}) }

// Read reads what the process sends; it sends nothing more before it has read its event.
func (c *slotConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.pending.Store(nil)
	}
	if err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.broken.Store(true)
	}
	return n, err
}

// Write writes an answer.
func (c *slotConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

// Close closes the connection. A peer that closes a connection before it has read everything resets
// it; one that has read everything does not, and has the event.
func (c *slotConn) Close() error {
	defer c.free()
	if event := c.pending.Swap(nil); event != nil && (c.broken.Load() || wasReset(c.Conn)) {
		event.requeue()
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
func connOf(ctx context.Context) *slotConn {
	return ctx.Value(connKey{}).(*slotConn)
}
