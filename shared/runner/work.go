package runner

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// workMargin is what Work leaves of its time for the commits of its last results; callRoom is the shortest call that
// is worth a runner.
const (
	workMargin = 10 * time.Second
	callRoom   = time.Second
)

// Work takes up an execution as Look does, and runs on until nothing of it is in flight and nothing ready, or until
// the time of ctx, less a margin, does not suffice for another call. What is ready then is handed over with a hint.
// When it returns, nothing of the execution goes on in this process: it may be frozen. An error means that the store
// could not be reached or has a row of a newer program; the hint should come again.
func (r *Runner) Work(ctx context.Context, partition string) error {
	if _, _, ok := store.ParsePartition(partition); !ok {
		r.Log.Warn("hint names no execution", "partition", partition)
		return nil
	}
	if r.closing() {
		return context.Canceled
	}
	s, err := r.newShift(ctx)
	if err != nil {
		return err
	}
	c := r.cells.acquire(partition)
	defer r.cells.release(c, r.Exclusive)
	if other := c.attach(s); other != nil {
		return r.joined(ctx, partition, other)
	}
	r.submit(partition, nil)
	ready := c.detach(s)
	if ready {
		if err := r.Queue.Send(r.life, hint(partition, 0)); err != nil {
			r.Log.Warn("hint not sent; the sweeper will", "partition", partition, "err", err)
		}
	}
	return s.err
}

// joined leaves the hint to the Work that is at it already.
func (r *Runner) joined(ctx context.Context, partition string, other *shift) error {
	r.submit(partition, nil)
	select {
	case <-other.over:
		return other.err
	default:
	}
	select {
	case <-other.over:
		return other.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shift is the time that a Work has, and what is going on for it.
type shift struct {
	calls   int64         // ms since 1970: no call begins later
	end     int64         // ms since 1970: nothing new begins later
	callMax time.Duration // of one call; 0: no bound

	mu   sync.Mutex
	idle sync.Cond // n is 0
	n    int       // goroutines at work on the execution
	err  error     // of the last round that gave up; written by the committer, read after the end
	over chan struct{}
}

// newShift divides the time of ctx: calls may begin while the longest call still fits into it. Where it does not at
// all, calls are cut to what does: a runner that never called anything would hand over for ever.
func (r *Runner) newShift(ctx context.Context) (*shift, error) {
	s := &shift{calls: math.MaxInt64, end: math.MaxInt64, callMax: r.CallMax, over: make(chan struct{})}
	s.idle.L = &s.mu
	deadline, ok := ctx.Deadline()
	if !ok {
		return s, nil
	}
	room := time.Until(deadline) - workMargin
	if room < callRoom {
		return nil, fmt.Errorf("runner: %s left to work in, %s of which are needed to end in time: raise the function's timeout (300 s)",
			(room + workMargin).Round(time.Second), workMargin)
	}
	if s.callMax == 0 || s.callMax > room/2 {
		s.callMax = room / 2
		r.Log.Warn("the function's timeout is short for the longest call; calls are cut earlier", "timeout", room+workMargin, "longest", s.callMax)
	}
	now := r.nowMillis()
	s.end = now + room.Milliseconds()
	s.calls = s.end - s.callMax.Milliseconds()
	return s, nil
}

func (s *shift) add() {
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
}

func (s *shift) done() {
	s.mu.Lock()
	if s.n--; s.n == 0 {
		s.idle.Broadcast()
	}
	s.mu.Unlock()
}

// wait returns when nothing is going on.
func (s *shift) wait() {
	s.mu.Lock()
	for s.n > 0 {
		s.idle.Wait()
	}
	s.mu.Unlock()
}

func (s *shift) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n == 0
}

// attach makes s the shift of the cell, unless it has one already. A committer that is at it counts from now on.
func (c *cell) attach(s *shift) (other *shift) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shift != nil {
		return c.shift
	}
	c.shift = s
	if c.busy {
		c.begin()
	}
	return nil
}

// begin counts the committer in; the caller holds the lock.
func (c *cell) begin() {
	c.busy = true
	if c.shift != nil {
		c.counted = c.shift
		c.counted.add()
	}
}

// finish counts the committer out; the caller holds the lock.
func (c *cell) finish() {
	c.busy = false
	if c.counted != nil {
		c.counted.done()
		c.counted = nil
	}
}

// detach waits until nothing goes on for s and takes it from the cell. It tells whether something is left to do.
func (c *cell) detach(s *shift) (ready bool) {
	for {
		s.wait()
		c.mu.Lock()
		if s.quiet() {
			break
		}
		c.mu.Unlock()
	}
	defer c.mu.Unlock()
	c.shift = nil
	close(s.over)
	return c.state != nil && (c.state.Ready() || c.more)
}

// advancing tells whether this process runs the execution on, and not only takes in news.
func (r *Runner) advancing(c *cell) bool { return !r.Thin || c.on != nil }

// mayCall tells whether calls may begin.
func (r *Runner) mayCall(c *cell) bool {
	return !r.closing() && r.advancing(c) && (c.on == nil || r.nowMillis() <= c.on.calls)
}

// mayGoOn tells whether another round may begin.
func (r *Runner) mayGoOn(c *cell) bool {
	return !r.closing() && r.advancing(c) && (c.on == nil || r.nowMillis() <= c.on.end)
}

// callMax is how long a call of the cell may take; 0: as long as it likes.
func (r *Runner) callMax(c *cell) time.Duration {
	if c.on != nil {
		return c.on.callMax
	}
	return r.CallMax
}

// tooLong is the news of a call that was cut because it took longer than any call may.
func tooLong(attempt int64, most time.Duration) interp.News {
	return interp.News{Kind: interp.Answered, Attempt: attempt, Error: &flow.Error{Name: flow.ErrTaskTimeout,
		Cause: fmt.Sprintf("the call took longer than the %s that a call may take here; let the task run asynchronously: "+
			"invocationType Async with TaskMode WaitForSystemCallback, or WaitForCustomCallback with a report by task token", most)}}
}

// pass sends a hint for what this process leaves to another: work that has become ready, and what is to be sent.
func (f *fold) pass(wasReady, wasUnsent bool) {
	r, c := f.r, f.c
	ready := c.state.Ready() && !wasReady || f.out.More
	unsent := c.state.Unsent() && !wasUnsent
	if !ready && !unsent {
		if !c.state.Final() {
			f.remind()
		}
		return
	}
	if err := r.Queue.Send(r.life, hint(c.partition, 0)); err != nil {
		r.Log.Warn("hint not sent; the sweeper will", "partition", c.partition, "err", err)
	}
}

// postpone is what a sweeper does with a row that is due and that others advance: it moves the wake time, so that an
// execution that brings its runners down is not hammered, and sends a hint.
func (r *Runner) postpone(ctx context.Context, x *store.Execution) error {
	ch := unchanged(x)
	ch.Tries++
	ch.Wake = r.nowMillis() + pause(x.Tries)
	if err := r.Store.Commit(ctx, x, ch); err != nil {
		return err
	}
	return r.Queue.Send(ctx, hint(x.Partition(), 0))
}
