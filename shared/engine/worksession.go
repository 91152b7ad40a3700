package engine

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// workSession is the time that a Work has, and what is going on for it.
type workSession struct {
	callDeadline int64         // ms since 1970: no call begins later
	deadline     int64         // ms since 1970: nothing new begins later
	callTimeMax  time.Duration // of one call; 0: no bound

	mu    sync.Mutex
	idle  sync.Cond // n is 0
	n     int       // goroutines at work on the execution
	err   error     // of the last round that gave up; written by the committer, read after the end
	ended chan struct{}
}

// newWorkSession divides the time of ctx: calls may begin while the longest call still fits into it. Where it does not at
// all, calls are cut to what does: a runner that never called anything would hand over for ever.
func (r *Engine) newWorkSession(ctx context.Context) (*workSession, error) {
	s := &workSession{callDeadline: math.MaxInt64, deadline: math.MaxInt64, callTimeMax: r.CallTimeMax, ended: make(chan struct{})}
	s.idle.L = &s.mu
	deadline, ok := ctx.Deadline()
	if !ok {
		return s, nil
	}
	room := time.Until(deadline) - sessionMargin
	if room < callTimeMin {
		return nil, fmt.Errorf("engine: %s left to work in, %s of which are needed to end in time: raise the function's timeout (300 s)",
			(room + sessionMargin).Round(time.Second), sessionMargin)
	}
	if s.callTimeMax == 0 || s.callTimeMax > room/2 {
		s.callTimeMax = room / 2
		r.Log.Warn("the function's timeout is short for the longest call; calls are cut earlier", "timeout", room+sessionMargin, "longest", s.callTimeMax)
	}
	now := r.nowMillis()
	s.deadline = now + room.Milliseconds()
	s.callDeadline = s.deadline - s.callTimeMax.Milliseconds()
	return s, nil
}

func (s *workSession) add() {
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
}

func (s *workSession) done() {
	s.mu.Lock()
	if s.n--; s.n == 0 {
		s.idle.Broadcast()
	}
	s.mu.Unlock()
}

// wait returns when nothing is going on.
func (s *workSession) wait() {
	s.mu.Lock()
	for s.n > 0 {
		s.idle.Wait()
	}
	s.mu.Unlock()
}

func (s *workSession) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n == 0
}

// await returns when the shift is over, and how: a hint that has come while it lasted is answered
// as the one that it began with.
func (s *workSession) await(ctx context.Context) error {
	select {
	case <-s.ended:
		return s.err
	default:
	}
	select {
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// joinSession has an execution looked at in a shift, and tells in which: s, unless another one is at it.
//
// No hint is lost, because the choice of the shift and the asking for a look are one step under the
// cell's lock, as are the steps that they could come between:
//   - The shift ends (detach). It does so only when no committer counts for it, and a caller that asks
//     for a look is counted or finds a committer that is. So a look that was asked for before is taken in
//     that shift, and one that is asked for later finds none, and begins its own.
//   - A committer without a shift takes in news alone (drive). The look is asked for with the shift
//     in place, so the round that takes it has that shift.
//   - The committer finishes (drive). It does when it finds no look, and only then is it counted out.
//   - News makes the execution ready before the shift is there: the round passes it on with a hint,
//     and the round of the look finds it, too. While the shift is there its rounds run on, and what
//     they have no time for detach finds.
//   - The outbox is relayed. Who does is counted for the shift until what became of it is submitted,
//     which counts the committer, and so it is with calls and their answers.
func (r *Engine) joinSession(partition string, s *workSession) (on *workSession) {
	c := r.mailboxes.acquire(partition)
	c.mu.Lock()
	if on = c.session; on == nil {
		on, c.session = s, s
		if c.busy { // it counts from now on
			c.startLoop()
		}
	}
	r.submitLocked(c, nil)
	return on
}

// startLoop counts the committer in; the caller holds the lock.
func (c *mailbox) startLoop() {
	c.busy = true
	if c.session != nil {
		c.countedSession = c.session
		c.countedSession.add()
	}
}

// endLoop counts the committer out; the caller holds the lock.
func (c *mailbox) endLoop() {
	c.busy = false
	if c.countedSession != nil {
		c.countedSession.done()
		c.countedSession = nil
	}
}

// leaveSession waits until nothing goes on for s and takes it from the cell. It tells whether something is left to do.
func (c *mailbox) leaveSession(s *workSession) (ready bool) {
	for {
		s.wait()
		c.mu.Lock()
		if s.quiet() {
			break
		}
		c.mu.Unlock()
	}
	defer c.mu.Unlock()
	c.session = nil
	close(s.ended)
	return c.state != nil && (c.state.Ready() || c.more)
}
