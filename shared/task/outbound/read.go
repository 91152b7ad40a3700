package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"millrace/shared/inflight"
	"millrace/shared/task/charset"
	"millrace/shared/value"
)

// uncountedMax is how much of an answer is read before it counts among those in flight.
const uncountedMax = 32 << 10

// How fast an answer must come while it counts among those in flight, where others wait for what it
// holds: so many bytes a second beside a pause of a minute at most. The first bytes, which hold
// nothing, may take as long as the task.
const (
	responseRateMin  = 1 << 10
	responseStallMax = time.Minute
)

// ErrTooSlow is the error of reading a response body that comes too slowly.
var ErrTooSlow = errors.New("the response came too slowly: behind its first 32 KB it must bring at least 1 KB a second")

// ReadAll reads and closes the body of a response; ErrTooLarge when it is beyond the limit. When
// the context of the request has an inflight.Answer, a long body waits for its turn to be read, must
// come without long pauses then (ErrTooSlow), and what it may take decoded is held when ReadAll
// returns: who made the Answer releases it.
func ReadAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	ctx, answer := context.Background(), (*inflight.Response)(nil)
	if resp.Request != nil {
		ctx = resp.Request.Context()
		answer = inflight.ResponseFromContext(ctx)
	}
	if answer == nil {
		return readAll(resp.Body, nil, resp.ContentLength)
	}
	body, err := readAll(io.LimitReader(resp.Body, uncountedMax), nil, resp.ContentLength)
	if err != nil {
		return nil, err
	}
	if len(body) == uncountedMax {
		done, err := answer.AcquireRead(ctx, bytesMax(resp))
		if err != nil {
			return nil, err
		}
		defer done() // after Hold: the bytes count all the time
		if body, err = readPaced(resp, body); err != nil {
			return nil, err
		}
	}
	if err := answer.Hold(ctx, decodedCost(resp, body)); err != nil {
		return nil, err
	}
	return body, nil
}

// readPaced reads the rest of a long body, which must come fast enough.
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

// pacedBody is a body that is cut off when it comes too slowly.
type pacedBody struct {
	body  io.ReadCloser
	timer *time.Timer
	until time.Time // by then more must have come
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
		p.until = last // what came fast does not pay for a long pause
	}
	if err == nil {
		p.timer.Reset(p.until.Sub(now))
	}
	return n, err
}

// abortRead ends a Read of a body that another goroutine makes. Bodies of net/http are made for that.
func abortRead(body io.ReadCloser) {
	if c, ok := body.(interface{ cut() }); ok {
		c.cut()
		return
	}
	body.Close()
}

// decodedCost is how many bytes an answer may come to hold.
func decodedCost(resp *http.Response, body []byte) int64 {
	if charset.Foreign(resp.Header.Get("Content-Type")) {
		return int64(value.CostMax(len(body)))
	}
	return int64(value.Cost(body))
}

// bytesMax is how many bytes a body may have at most.
func bytesMax(resp *http.Response) int64 {
	if b, ok := resp.Body.(*limitedBody); ok && resp.ContentLength < 0 {
		return b.left + uncountedMax
	}
	return max(resp.ContentLength, uncountedMax)
}

// readAll appends what r has to body. length is what the sender says there is, -1 when it does not;
// the buffer grows as bytes come, so that a length alone reserves little.
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
