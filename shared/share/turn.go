package share

import "context"

// Turn is a place in a pool that is held while a request is worked on, and given up as soon as the
// request only waits.
type Turn struct {
	pool     *Pool
	account  string
	released bool
}

type turnKey struct{}

// WithTurn waits for a place for a request of the account. The context that it returns carries the
// turn, for Pause; End must be called. A nil pool returns a nil Turn at once.
func (p *Pool) WithTurn(ctx context.Context, account string) (context.Context, *Turn, error) {
	t, err := p.AcquireTurn(ctx, account)
	if t == nil {
		return ctx, nil, err
	}
	return context.WithValue(ctx, turnKey{}, t), t, nil
}

// AcquireTurn waits for a place. A nil pool returns a nil Turn at once.
func (p *Pool) AcquireTurn(ctx context.Context, account string) (*Turn, error) {
	if p == nil {
		return nil, nil
	}
	if err := p.Acquire(ctx, account, 1); err != nil {
		return nil, err
	}
	return &Turn{pool: p, account: account}, nil
}

// Release gives the place back, once. It is called by the goroutine that works on the request, as Pause
// is.
func (t *Turn) Release() {
	if t != nil && !t.released {
		t.released = true
		t.pool.Release(t.account, 1)
	}
}

// ReleaseTurn ends the turn of the request whose context this is, because from here on the request waits:
// for the end of an execution, or in the line of another pool. The request does not get its turn
// back: little is left to do after a wait.
func ReleaseTurn(ctx context.Context) {
	if t, ok := ctx.Value(turnKey{}).(*Turn); ok {
		t.Release()
	}
}
