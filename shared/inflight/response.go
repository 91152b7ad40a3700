package inflight

import (
	"context"

	"millrace/shared/share"
)

// Responses are the bytes of responses of calls to other services, divided between accounts. Bytes
// being read and decoded bytes are counted separately: a slow response must not keep others from
// being decoded. A call that holds bytes of Decoded never waits for Reading, so two responses never
// wait for each other.
type Responses struct {
	Reading *share.Pool // responses beyond the first few kilobytes, while they are read
	// Responses that have been read, with their decoded values, until the engine has processed
	// them.
	Decoded *share.Pool
}

// NewResponses returns the shares for a process with memory bytes of memory: a sixteenth for
// reading, and an eighth for decoded responses, which grow to several times that before the
// collector frees the processed ones. largest is the decoded size of the largest response, in
// bytes, which always fits. singleAccount lets one account hold everything.
func NewResponses(memory, largest int64, singleAccount bool) *Responses {
	pool := func(name string, capacity int64) *share.Pool {
		return share.New(share.Options{
			Name:          name,
			Capacity:      capacity,
			SingleAccount: singleAccount,
		})
	}
	return &Responses{Reading: pool("bytes of answers on their way", Part(memory, 16, 4<<20)),
		Decoded: pool("bytes of decoded answers", Part(memory, 8, largest))}
}

// Response is what one call of a task holds of the pools. Only one goroutine may use it at a time.
type Response struct {
	pools   *Responses
	account string
	held    int64
}

type responseKey struct{}

// WithResponse returns a new Response of the account, and a context that carries it for
// ResponseFromContext.
func WithResponse(
	ctx context.Context, pools *Responses, account string,
) (context.Context, *Response) {
	a := &Response{pools: pools, account: account}
	return context.WithValue(ctx, responseKey{}, a), a
}

// ResponseFromContext returns the Response of a context. If there is none it returns nil, which has
// no bound.
func ResponseFromContext(ctx context.Context) *Response {
	a, _ := ctx.Value(responseKey{}).(*Response)
	return a
}

// AcquireRead waits until n bytes may be read. It returns a function that releases them, or the
// error of ctx. It first releases what the Response holds of an earlier response of the same call.
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

// Hold waits until the Response may hold n bytes instead of what it held before. If it returns the
// error of ctx, the Response holds nothing.
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

// Release releases what Hold acquired. A second call does nothing.
func (a *Response) Release() {
	if a == nil {
		return
	}
	a.pools.Decoded.Release(a.account, a.held)
	a.held = 0
}
