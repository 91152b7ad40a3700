package functiontask

import (
	"context"
	"sync"
)

// background runs asynchronous invocations, so many at once.
type background struct {
	ctx    context.Context // of every invocation: done when the runner has been closed for good
	cancel context.CancelFunc
	slots  chan struct{}

	mu     sync.Mutex
	count  int           // running and waiting
	idle   chan struct{} // closed when closing and count is 0
	closed bool
}

func newBackground(most int) *background {
	b := &background{slots: make(chan struct{}, most), idle: make(chan struct{})}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// run calls f in a goroutine as soon as it is its turn; false when it is refused.
func (b *background) run(f func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.count >= cap(b.slots)+BacklogMax {
		return false
	}
	b.count++
	go func() {
		defer b.done()
		select {
		case b.slots <- struct{}{}:
			defer func() { <-b.slots }()
			f(b.ctx)
		case <-b.ctx.Done():
		}
	}()
	return true
}

func (b *background) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count--
	if b.closed && b.count == 0 {
		close(b.idle)
	}
}

// close refuses what is new, and waits for what runs until ctx is done, then cuts it off and waits for that.
func (b *background) close(ctx context.Context) error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		if b.count == 0 {
			close(b.idle)
		}
	}
	b.mu.Unlock()
	defer b.cancel()
	select {
	case <-b.idle:
		return nil
	case <-ctx.Done():
		b.cancel()
		<-b.idle
		return ctx.Err()
	}
}
