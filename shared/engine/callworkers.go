package engine

import (
	"context"
	"sync/atomic"
)

// callWorkers are goroutines that make one call after the other. A call needs a deeper stack than a
// goroutine begins with: with a new goroutine for each call, growing stacks took 2 % of a server's
// time.
type callWorkers struct {
	ctx  context.Context // idle workers end with it
	next chan func()     // unbuffered: a send succeeds only if an idle worker takes it
	idle atomic.Int64
}

// idleCallWorkersMax is how many workers wait for the next call. Each holds a stack of some 10 KB.
const idleCallWorkersMax = 128

func newCallWorkers(ctx context.Context) *callWorkers {
	return &callWorkers{ctx: ctx, next: make(chan func())}
}

// run makes a call in a goroutine, and does not wait for it.
func (c *callWorkers) run(call func()) {
	select {
	case c.next <- call:
	default:
		go c.work(call)
	}
}

func (c *callWorkers) work(call func()) {
	for call != nil {
		call()
		call = c.wait()
	}
}

// wait returns the next call. It returns nil at the end, or if enough workers wait already.
func (c *callWorkers) wait() func() {
	defer c.idle.Add(-1)
	if c.idle.Add(1) > idleCallWorkersMax {
		return nil
	}
	select {
	case call := <-c.next:
		return call
	case <-c.ctx.Done():
		return nil
	}
}
