package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// How a body is read. No memory is reserved for bytes that the client has only announced.
const (
	bodyFirst = 4 << 10 // first buffer, in bytes; it doubles as needed, and all above it is charged

	// After bodyStart, a client must send bodyRate bytes a second. Bytes that arrive early earn a
	// pause of at most bodyPause: a client that sends all but the last byte at once must not hold
	// them for long.
	bodyRate  = 1 << 10
	bodyStart = 2 * time.Second
	bodyPause = 10 * time.Second
)

// readBody reads the whole body within the limits of time and size.
func (c *request) readBody() error {
	bytesMax := c.MaxBody - int64(len(c.r.URL.RawQuery))
	if c.r.ContentLength > bytesMax || bytesMax < 0 {
		return tooLarge(c.MaxBody)
	}
	if c.r.ContentLength == 0 {
		return nil
	}
	p := c.pace()
	p.begin()
	defer p.end()
	capacity := min(bodyFirst, int(bytesMax)+1)
	for {
		if len(c.body) == capacity {
			capacity = min(2*capacity, int(bytesMax)+1)
			if err := c.holdBody(int64(capacity)); err != nil {
				return err
			}
		}
		if cap(c.body) < capacity {
			c.body = append(make([]byte, 0, capacity), c.body...)
		}
		n, err := c.r.Body.Read(c.body[len(c.body):capacity])
		c.body = c.body[:len(c.body)+n]
		if int64(len(c.body)) > bytesMax {
			return tooLarge(c.MaxBody)
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return c.broken(err)
		}
		p.received(n)
	}
}

// evictionWaitMax limits the wait for the bytes of an evicted request.
const evictionWaitMax = time.Second

// holdBody charges n bytes for the body to the budget of the process. If the budget is used up, it
// evicts the request that has been incomplete for longest; if there is none, it rejects this one.
func (c *request) holdBody(n int64) error {
	conn := c.conn
	ok := c.hold.TryGrow(n)
	if !ok && conn != nil && conn.connections.evictHolder(conn) {
		ctx, cancel := context.WithTimeout(c.r.Context(), evictionWaitMax)
		defer cancel()
		ok = c.hold.Grow(ctx, n) == nil
	}
	if !ok {
		c.w.Header().Set("Connection", "close") // the rest of the body is not read
		c.Rejections.add(rejectedBytes)
		return tooBusy()
	}
	if conn != nil {
		conn.connections.markHolding(conn)
	}
	return nil
}

// broken returns the fault of a body that ends early or arrives too slowly.
func (c *request) broken(err error) error {
	var tooMany *http.MaxBytesError
	if errors.As(err, &tooMany) { // a limit set by a wrapping handler
		return tooLarge(tooMany.Limit)
	}
	c.w.Header().Set("Connection", "close")
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.Rejections.add(rejectedSlow)
		return invalid("The request body came too slowly: send at least %d bytes a second.",
			bodyRate)
	}
	return invalid("The request body cannot be read to its end.")
}

// pace closes the connection of a client that sends too slowly. It does nothing where a platform
// has already read the request.
type pace struct {
	reader  interface{ SetReadDeadline(time.Time) error }
	bounded bool
	until   time.Time
}

func (c *request) pace() pace {
	if c.conn != nil {
		return pace{reader: c.conn}
	}
	return pace{reader: http.NewResponseController(c.w)}
}

func (p *pace) begin() {
	p.until = time.Now().Add(bodyStart)
	p.bounded = p.reader.SetReadDeadline(p.until) == nil
}

// received extends the deadline for n bytes that have arrived.
func (p *pace) received(n int) {
	if !p.bounded {
		return
	}
	p.until = p.until.Add(time.Duration(n) * (time.Second / bodyRate))
	if last := time.Now().Add(bodyPause); p.until.After(last) {
		p.until = last
	}
	p.reader.SetReadDeadline(p.until)
}

// end removes the deadline, so that a long poll may wait.
func (p *pace) end() {
	if p.bounded {
		p.reader.SetReadDeadline(time.Time{})
	}
}
