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

// readFreely is how much of an answer is read before it counts among those in flight.
const readFreely = 32 << 10

// How fast an answer must come while it counts among those in flight, where others wait for what it
// holds: so many bytes a second beside a pause of a minute at most. The first bytes, which hold
// nothing, may take as long as the task.
const (
	answerRate  = 1 << 10
	answerPause = time.Minute
)

// ErrTooSlow is the error of reading a response body that comes too slowly.
var ErrTooSlow = errors.New("the response came too slowly: behind its first 32 KB it must bring at least 1 KB a second")

// ReadAll reads and closes the body of a response; ErrTooLarge when it is beyond the limit. When
// the context of the request has an inflight.Answer, a long body waits for its turn to be read, must
// come without long pauses then (ErrTooSlow), and what it may take decoded is held when ReadAll
// returns: who made the Answer releases it.
func ReadAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	ctx, answer := context.Background(), (*inflight.Answer)(nil)
	if resp.Request != nil {
		ctx = resp.Request.Context()
		answer = inflight.AnswerOf(ctx)
	}
	if answer == nil {
		return readAll(resp.Body, nil, resp.ContentLength)
	}
	body, err := readAll(io.LimitReader(resp.Body, readFreely), nil, resp.ContentLength)
	if err != nil {
		return nil, err
	}
	if len(body) == readFreely {
		done, err := answer.Read(ctx, most(resp))
		if err != nil {
			return nil, err
		}
		defer done() // after Hold: the bytes count all the time
		if body, err = readPaced(resp, body); err != nil {
			return nil, err
		}
	}
	if err := answer.Hold(ctx, cost(resp, body)); err != nil {
		return nil, err
	}
	return body, nil
}

// readPaced reads the rest of a long body, which must come fast enough.
func readPaced(resp *http.Response, body []byte) ([]byte, error) {
	p := &paced{body: resp.Body, until: time.Now().Add(answerPause)}
	p.timer = time.AfterFunc(answerPause, p.expire)
	defer p.timer.Stop()
	body, err := readAll(p, body, resp.ContentLength)
	if err != nil && p.slow.Load() {
		return nil, ErrTooSlow
	}
	return body, err
}

// paced is a body that is cut off when it comes too slowly.
type paced struct {
	body  io.ReadCloser
	timer *time.Timer
	until time.Time // by then more must have come
	slow  atomic.Bool
}

func (p *paced) expire() {
	p.slow.Store(true)
	cut(p.body)
}

func (p *paced) Read(to []byte) (int, error) {
	n, err := p.body.Read(to)
	p.until = p.until.Add(time.Duration(n) * (time.Second / answerRate))
	now := time.Now()
	if last := now.Add(answerPause); p.until.After(last) {
		p.until = last // what came fast does not pay for a long pause
	}
	if err == nil {
		p.timer.Reset(p.until.Sub(now))
	}
	return n, err
}

// cut ends a Read of a body that another goroutine makes. Bodies of net/http are made for that.
func cut(body io.ReadCloser) {
	if c, ok := body.(interface{ cut() }); ok {
		c.cut()
		return
	}
	body.Close()
}

// cost is how many bytes an answer may come to hold.
func cost(resp *http.Response, body []byte) int64 {
	if charset.Foreign(resp.Header.Get("Content-Type")) {
		return int64(value.CostAtMost(len(body)))
	}
	return int64(value.Cost(body))
}

// most is how many bytes a body may have at most.
func most(resp *http.Response) int64 {
	if b, ok := resp.Body.(*bounded); ok && resp.ContentLength < 0 {
		return b.left + readFreely
	}
	return max(resp.ContentLength, readFreely)
}

// readAll appends what r has to body. length is what the sender says there is, -1 when it does not;
// the buffer grows as bytes come, so that a length alone reserves little.
func readAll(r io.Reader, body []byte, length int64) ([]byte, error) {
	if body == nil {
		body = make([]byte, 0, min(max(length, 511), readFreely)+1)
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
