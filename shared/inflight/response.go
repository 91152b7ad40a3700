package inflight

import (
	"context"

	"millrace/shared/share"
)

// Responses are the bytes of answers of calls outside, divided between accounts. What is being read
// and what has been decoded are counted apart: an answer that comes in slowly must not keep others
// from being decoded, and a call that holds bytes of Decoded never waits for Reading, so that no
// two answers wait for each other.
type Responses struct {
	Reading *share.Pool // answers beyond the first few kilobytes while they are read
	Decoded *share.Pool // answers that have been read, with what they decode to, until they are folded
}

// NewResponses returns the shares of a process with so much memory: a sixteenth for reading, an
// eighth for what is decoded, which grows to several times that before the collector frees what
// was folded. largest is what one answer may take, decoded, in bytes; it fits always. whole lets
// one account hold everything.
func NewResponses(memory, largest int64, singleAccount bool) *Responses {
	pool := func(name string, capacity int64) *share.Pool {
		return share.New(share.Options{Name: name, Capacity: capacity, SingleAccount: singleAccount})
	}
	return &Responses{Reading: pool("bytes of answers on their way", Part(memory, 16, 4<<20)),
		Decoded: pool("bytes of decoded answers", Part(memory, 8, largest))}
}

// Response is what one call of a task holds of the budgets. It is for one goroutine at a time.
type Response struct {
	pools   *Responses
	account string
	held    int64
}

type responseKey struct{}

// WithResponse returns a context in which ResponseFromContext finds a new Answer of the account.
func WithResponse(ctx context.Context, pools *Responses, account string) (context.Context, *Response) {
	a := &Response{pools: pools, account: account}
	return context.WithValue(ctx, responseKey{}, a), a
}

// ResponseFromContext returns the Answer of a context; nil, which has no bound, when there is none.
func ResponseFromContext(ctx context.Context) *Response {
	a, _ := ctx.Value(responseKey{}).(*Response)
	return a
}

// AcquireRead waits until n bytes may be read, and returns what gives them back, or the error of ctx. What
// the Answer holds of an earlier response of the same call is released first: the call goes on from
// there.
func (a *Response) AcquireRead(ctx context.Context, n int64) (done func(), err error) {
	if a == nil {
		return func() {}, nil
	}
	a.Release()
	if err := a.pools.Reading.Acquire(ctx, a.account, n); err != nil {
		return nil, err
	}
	return func() { a.pools.Reading.Release(a.account, n) }, nil
}

// Hold waits until the Answer may hold n bytes, instead of what it held before, or returns the
// error of ctx. It holds nothing then.
func (a *Response) Hold(ctx context.Context, n int64) error {
	if a == nil {
		return nil
	}
	a.Release()
	if err := a.pools.Decoded.Acquire(ctx, a.account, n); err != nil {
		return err
	}
	a.held = n
	return nil
}

// Release gives back what Hold has taken. A second call does nothing.
func (a *Response) Release() {
	if a == nil {
		return
	}
	a.pools.Decoded.Release(a.account, a.held)
	a.held = 0
}
