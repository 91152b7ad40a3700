package share

import "context"

// Turn is a place in a pool that a request holds while it is processed. The request gives it up as
// soon as it only waits.
type Turn struct {
	pool     *Pool
	account  string
	released bool
}

type turnKey struct{}

// WithTurn waits for a place for a request of the account. The context that it returns carries the
// turn for ReleaseTurn. Turn.Release must be called. A nil pool returns a nil Turn at once.
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

// Release returns the place; a second call does nothing. It must be called by the goroutine that
// processes the request, like ReleaseTurn.
func (t *Turn) Release() {
	if t != nil && !t.released {
		t.released = true
		t.pool.Release(t.account, 1)
	}
}

// ReleaseTurn releases the turn of the request with this context, because the request waits from
// here on: for the end of an execution, or for another pool. The request does not get its turn
// back, because little is left to do after a wait.
func ReleaseTurn(ctx context.Context) {
	if t, ok := ctx.Value(turnKey{}).(*Turn); ok {
		t.Release()
	}
}
