package functiontask

import (
	"context"
	"sync"
)

// background runs asynchronous invocations, at most cap(slots) at once.
type background struct {
	ctx    context.Context // of every invocation; canceled when the runner has closed
	cancel context.CancelFunc
	slots  chan struct{}

	mu     sync.Mutex
	count  int           // running and waiting
	idle   chan struct{} // closed when closed is set and count is 0
	closed bool
}

func newBackground(limit int) *background {
	b := &background{slots: make(chan struct{}, limit), idle: make(chan struct{})}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// run calls f in a goroutine as soon as a slot is free. It returns false if the backlog is full or
// background is closed.
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

// close rejects new invocations and waits for the accepted ones. When ctx is done, it cancels them
// and waits until they have returned.
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
