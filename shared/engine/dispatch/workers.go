package dispatch

import (
	"context"
	"sync/atomic"
)

// Workers are goroutines that make one call after the other. A call needs a deeper stack than a
// goroutine begins with: with a new goroutine for each call, growing stacks took 2 % of a server's
// time.
type Workers struct {
	ctx  context.Context // idle workers end with it
	next chan func()     // unbuffered: a send succeeds only if an idle worker takes it
	idle atomic.Int64
}

// idleWorkersMax is how many workers wait for the next call. Each holds a stack of some 10 KB.
const idleWorkersMax = 128

// NewWorkers returns Workers whose idle goroutines end with ctx.
func NewWorkers(ctx context.Context) *Workers {
	return &Workers{ctx: ctx, next: make(chan func())}
}

// Run makes a call in a goroutine, and does not wait for it.
func (w *Workers) Run(call func()) {
	select {
	case w.next <- call:
	default:
		go w.work(call)
	}
}

func (w *Workers) work(call func()) {
	for call != nil {
		call()
		call = w.wait()
	}
}

// wait returns the next call. It returns nil at the end, or if enough workers wait already.
func (w *Workers) wait() func() {
	defer w.idle.Add(-1)
	if w.idle.Add(1) > idleWorkersMax {
		return nil
	}
	select {
	case call := <-w.next:
		return call
	case <-w.ctx.Done():
		return nil
	}
}
