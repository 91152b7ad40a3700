package share

import "context"

// Turn is a place in a pool that is held while a request is worked on, and given up as soon as the
// request only waits.
type Turn struct {
	pool    *Pool
	account string
	over    bool
}

type turnKey struct{}

// Begin waits for a place for a request of the account. The context that it returns carries the
// turn, for Pause; End must be called. A nil pool returns a nil Turn at once.
func (p *Pool) Begin(ctx context.Context, account string) (context.Context, *Turn, error) {
	t, err := p.Turn(ctx, account)
	if t == nil {
		return ctx, nil, err
	}
	return context.WithValue(ctx, turnKey{}, t), t, nil
}

// Turn waits for a place. A nil pool returns a nil Turn at once.
func (p *Pool) Turn(ctx context.Context, account string) (*Turn, error) {
	if p == nil {
		return nil, nil
	}
	if err := p.Acquire(ctx, account, 1); err != nil {
		return nil, err
	}
	return &Turn{pool: p, account: account}, nil
}

// End gives the place back, once. It is called by the goroutine that works on the request, as Pause
// is.
func (t *Turn) End() {
	if t != nil && !t.over {
		t.over = true
		t.pool.Release(t.account, 1)
	}
}

// Pause ends the turn of the request whose context this is, because from here on the request waits:
// for the end of an execution, or in the line of another pool. The request does not get its turn
// back: little is left to do after a wait.
func Pause(ctx context.Context) {
	if t, ok := ctx.Value(turnKey{}).(*Turn); ok {
		t.End()
	}
}
