package engine

import (
	"context"
	"sync/atomic"
)

// callWorkers are goroutines that make one call after the other. A call needs a deeper stack than a
// goroutine begins with; in a new one for each call, growing it was 2 % of a server's time.
type callWorkers struct {
	ctx  context.Context // those that are idle end with it
	next chan func()     // unbuffered: what is sent has been taken by one that was idle
	idle atomic.Int64
}

// idleCallWorkersMax is how many stay for the next call; each holds a stack of some 10 KB.
const idleCallWorkersMax = 128

func newCallWorkers(life context.Context) *callWorkers {
	return &callWorkers{ctx: life, next: make(chan func())}
}

// run makes a call in a goroutine of its own, and does not wait for it.
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

// wait returns the next call, nil when there are enough that wait, or at the end.
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
