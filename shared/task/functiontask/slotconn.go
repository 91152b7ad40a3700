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

// slotConn frees its slot when it is closed. It also tracks whether the process has read the event
// last written to it: a process may close a connection at the moment at which an event arrives, and
// neither a write nor the request's context shows that in time.
type slotConn struct {
	net.Conn
	free    func()
	pending atomic.Pointer[pendingEvent]
	// broken is set when a read or a write failed for another reason than the end of what the
	// process sends.
	broken atomic.Bool
}

// pendingEvent is an event that the process has not yet been seen to read.
type pendingEvent struct{ requeue func() }

func newSlotConn(conn net.Conn, free func()) *slotConn {
	return &slotConn{Conn: conn, free: sync.OnceFunc(free)}
}

// trackEvent records that an event follows. The connection calls requeue if it ends before the
// process has read all of the event. If it cannot find out, it does not call requeue.
func (c *slotConn) trackEvent(requeue func()) { c.pending.Store(&pendingEvent{requeue}) }

// Read reads what the process sends. Any data clears the pending event, because a process sends
// nothing before it has read its event.
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

// Write writes a response.
func (c *slotConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

// Close closes the connection. If a peer closes a connection with unread data, it resets it; a
// reset with a pending event therefore means that the process has not read the event.
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

// connOf returns the connection on which a request arrived.
func connOf(ctx context.Context) *slotConn {
	return ctx.Value(connKey{}).(*slotConn)
}
