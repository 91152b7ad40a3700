package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"millrace/shared/charset"
	"millrace/shared/inflight"
	"millrace/shared/value"
)

// uncountedMax is how many bytes of a response are read before it counts as in flight.
const uncountedMax = 32 << 10

// Minimum speed of a response while it counts as in flight, because other responses wait for the
// memory that it holds: responseRateMin bytes a second, with pauses of at most responseStallMax.
// The first uncountedMax bytes hold no memory and may take as long as the task.
const (
	responseRateMin  = 1 << 10
	responseStallMax = time.Minute
)

// ErrTooSlow is the error of reading a response body that arrives too slowly.
var ErrTooSlow = errors.New(
	"the response came too slowly: behind its first 32 KB it must bring at least 1 KB a second",
)

// ReadAll reads and closes the body of a response. The error is ErrTooLarge if it exceeds the
// limit.
//
// If the context of the request has an inflight.Response, a long body waits for its turn to be read
// and must then arrive without long pauses (ErrTooSlow). ReadAll holds the memory that the decoded
// body may take; the creator of the inflight.Response releases it.
func ReadAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	ctx, held := context.Background(), (*inflight.Response)(nil)
	if resp.Request != nil {
		ctx = resp.Request.Context()
		held = inflight.ResponseFromContext(ctx)
	}
	if held == nil {
		return readAll(resp.Body, nil, resp.ContentLength)
	}
	body, err := readAll(io.LimitReader(resp.Body, uncountedMax), nil, resp.ContentLength)
	if err != nil {
		return nil, err
	}
	if len(body) == uncountedMax {
		done, err := held.AcquireRead(ctx, bytesMax(resp))
		if err != nil {
			return nil, err
		}
		defer done() // after Hold, so that the bytes count all the time
		if body, err = readPaced(resp, body); err != nil {
			return nil, err
		}
	}
	if err := held.Hold(ctx, decodedCost(resp, body)); err != nil {
		return nil, err
	}
	return body, nil
}

// readPaced reads the rest of a long body. It fails if the body arrives too slowly.
func readPaced(resp *http.Response, body []byte) ([]byte, error) {
	p := &pacedBody{body: resp.Body, until: time.Now().Add(responseStallMax)}
	p.timer = time.AfterFunc(responseStallMax, p.expire)
	defer p.timer.Stop()
	body, err := readAll(p, body, resp.ContentLength)
	if err != nil && p.slow.Load() {
		return nil, ErrTooSlow
	}
	return body, err
}

// pacedBody is a body that is aborted if it arrives too slowly.
type pacedBody struct {
	body  io.ReadCloser
	timer *time.Timer
	until time.Time // deadline for the next bytes
	slow  atomic.Bool
}

func (p *pacedBody) expire() {
	p.slow.Store(true)
	abortRead(p.body)
}

func (p *pacedBody) Read(to []byte) (int, error) {
	n, err := p.body.Read(to)
	p.until = p.until.Add(time.Duration(n) * (time.Second / responseRateMin))
	now := time.Now()
	if last := now.Add(responseStallMax); p.until.After(last) {
		p.until = last // fast bytes do not pay for a longer pause
	}
	if err == nil {
		p.timer.Reset(p.until.Sub(now))
	}
	return n, err
}

// abortRead aborts a Read of a body in another goroutine. Closing a body of net/http does that.
func abortRead(body io.ReadCloser) {
	if c, ok := body.(interface{ cut() }); ok {
		c.cut()
		return
	}
	body.Close()
}

// decodedCost returns how many bytes a response may take when decoded.
func decodedCost(resp *http.Response, body []byte) int64 {
	if charset.Foreign(resp.Header.Get("Content-Type")) {
		return int64(value.CostMax(len(body)))
	}
	return int64(value.Cost(body))
}

// bytesMax returns the maximum number of bytes of a body.
func bytesMax(resp *http.Response) int64 {
	if b, ok := resp.Body.(*limitedBody); ok && resp.ContentLength < 0 {
		return b.left + uncountedMax
	}
	return max(resp.ContentLength, uncountedMax)
}

// readAll appends all data of r to body. length is the Content-Length, -1 if unknown. The buffer
// grows as bytes arrive, so that a claimed length alone reserves little memory.
func readAll(r io.Reader, body []byte, length int64) ([]byte, error) {
	if body == nil {
		body = make([]byte, 0, min(max(length, 511), uncountedMax)+1)
	}
	for {
		if len(body) == cap(body) {
			body = slices.Grow(body, len(body)+1)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		} else if err != nil {
			return nil, err
		}
	}
}
