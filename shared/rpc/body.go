package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// How a body is read. Nothing is reserved for what a client only says that it will send.
const (
	bodyFirst = 4 << 10 // bytes: the first buffer, doubled as bytes come; what is above is charged to the process's budget

	// A client must send this many bytes a second, after a while to begin with. What it has sent
	// ahead of that counts for a pause of bodyPause at most: a body that came fast but for its last
	// byte must not be held for long.
	bodyRate  = 1 << 10
	bodyStart = 2 * time.Second
	bodyPause = 10 * time.Second
)

// readBody reads the whole body, in bounded time and size.
func (c *request) readBody() error {
	most := c.MaxBody - int64(len(c.r.URL.RawQuery))
	if c.r.ContentLength > most || most < 0 {
		return tooLarge(c.MaxBody)
	}
	if c.r.ContentLength == 0 {
		return nil
	}
	p := c.pace()
	p.begin()
	defer p.end()
	room := min(bodyFirst, int(most)+1)
	for {
		if len(c.body) == room {
			room = min(2*room, int(most)+1)
			if err := c.holdBody(int64(room)); err != nil {
				return err
			}
		}
		if cap(c.body) < room {
			c.body = append(make([]byte, 0, room), c.body...)
		}
		n, err := c.r.Body.Read(c.body[len(c.body):room])
		c.body = c.body[:len(c.body)+n]
		if int64(len(c.body)) > most {
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

// evictionWaitMax bounds the wait for the bytes of a request that was cut off.
const evictionWaitMax = time.Second

// holdBody charges what the body may take to the budget of the process. When that is used up, the
// request that has been on its way for longest is cut off for this one; if there is none, this one
// is refused.
func (c *request) holdBody(n int64) error {
	own := c.conn
	ok := c.hold.TryGrow(n)
	if !ok && own != nil && own.connections.evictHolder(own) {
		ctx, cancel := context.WithTimeout(c.r.Context(), evictionWaitMax)
		defer cancel()
		ok = c.hold.Grow(ctx, n) == nil
	}
	if !ok {
		c.w.Header().Set("Connection", "close") // the rest is not read
		c.Rejections.add(rejectedBytes)
		return tooBusy()
	}
	if own != nil {
		own.connections.markHolding(own)
	}
	return nil
}

// broken is the fault of a body that ends early or comes too slowly.
func (c *request) broken(err error) error {
	var tooMany *http.MaxBytesError
	if errors.As(err, &tooMany) { // a limit around this handler
		return tooLarge(tooMany.Limit)
	}
	c.w.Header().Set("Connection", "close")
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.Rejections.add(rejectedSlow)
		return invalid("The request body came too slowly: send at least %d bytes a second.", bodyRate)
	}
	return invalid("The request body cannot be read to its end.")
}

// pace cuts off a client that sends too slowly. It does nothing where a platform has read the
// request before.
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

// received counts bytes that have come before the end.
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

// end lets a long poll go on for as long as it wants.
func (p *pace) end() {
	if p.bounded {
		p.reader.SetReadDeadline(time.Time{})
	}
}
