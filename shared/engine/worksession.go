package engine

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// workSession is the time in which a process advances an execution, and counts what goes on in it:
// one RunUntilIdle. Servers have a single session for all executions, which never ends and counts
// nothing.
type workSession struct {
	endless      bool
	callDeadline int64         // ms since 1970: no call begins later
	deadline     int64         // ms since 1970: nothing new begins later
	callTimeMax  time.Duration // of one call; 0: no bound

	mu    sync.Mutex
	idle  sync.Cond // signaled when n is 0
	n     int       // goroutines at work on the execution
	err   error     // of the last failed transaction; the loop writes it, read after the end
	ended chan struct{}
}

// newWorkSession divides the time of ctx: calls may begin while the longest call still fits into
// it. If the longest call takes more than half of the time, calls are canceled after that half:
// otherwise no call might ever begin, and the invocations would hand off the execution for ever.
func (e *Engine) newWorkSession(ctx context.Context) (*workSession, error) {
	s := &workSession{
		callDeadline: math.MaxInt64, deadline: math.MaxInt64,
		callTimeMax: e.CallTimeMax, ended: make(chan struct{}),
	}
	s.idle.L = &s.mu
	deadline, ok := ctx.Deadline()
	if !ok {
		return s, nil
	}
	left := time.Until(deadline) - sessionMargin
	if left < callTimeMin {
		return nil, fmt.Errorf("engine: %s left to work in, %s of which are needed "+
			"to end in time: raise the function's timeout (300 s)",
			(left + sessionMargin).Round(time.Second), sessionMargin)
	}
	if s.callTimeMax == 0 || s.callTimeMax > left/2 {
		s.callTimeMax = left / 2
		e.Log.Warn("the function's timeout is short for the longest call; calls are cut earlier",
			"timeout", left+sessionMargin, "longest", s.callTimeMax)
	}
	now := e.nowMillis()
	s.deadline = now + left.Milliseconds()
	s.callDeadline = s.deadline - s.callTimeMax.Milliseconds()
	return s, nil
}

// newEndlessSession returns the session of a server. callTimeMax bounds a call; 0: no bound.
func newEndlessSession(callTimeMax time.Duration) *workSession {
	return &workSession{endless: true, callDeadline: math.MaxInt64, deadline: math.MaxInt64,
		callTimeMax: callTimeMax}
}

// ends reports whether the work belongs to a RunUntilIdle, which ends with it.
func (s *workSession) ends() bool { return s != nil && !s.endless }

// note keeps the error of the last transaction. The loop alone calls it.
func (s *workSession) note(err error) {
	if s.ends() {
		s.err = err
	}
}

func (s *workSession) add() {
	if s.endless {
		return
	}
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
}

func (s *workSession) done() {
	if s.endless {
		return
	}
	s.mu.Lock()
	if s.n--; s.n == 0 {
		s.idle.Broadcast()
	}
	s.mu.Unlock()
}

// wait returns when nothing goes on in the session.
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

// await waits until the session has ended and returns its error: a hint that arrives during a
// session gets the same answer as the hint that began it.
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

// joinSession requests a recheck of the execution in a work session, and returns that session: s,
// or the one that works on the execution already.
//
// No hint is lost, because choosing the session and requesting the recheck are one step under the
// lock of the mailbox. So is each step that could come between them:
//   - The session ends (leaveSession). It ends only when no loop is counted in it, and a caller
//     that requests a recheck is counted or finds a loop that is. So an earlier recheck runs in
//     that session, and a later caller finds no session and begins its own.
//   - In functions, a loop without a session only accepts messages (runLoop). The recheck is
//     requested with the session in place, so the transaction that takes the recheck has that
//     session.
//   - The loop ends (runLoop). It ends only when it finds no recheck, and only then is it counted
//     out.
//   - A message makes the execution ready before the session is in place. Its transaction hands the
//     execution off with a hint, and the transaction of the recheck finds it, too. While the
//     session is in place its transactions continue the execution; leaveSession finds what they had
//     no time for.
//   - The outbox is relayed. The goroutine that relays is counted in the session until it has
//     submitted the result, which counts the loop in. The same holds for calls and their results.
func (e *Engine) joinSession(partition string, s *workSession) (on *workSession) {
	m := e.mailboxes.acquire(partition)
	m.mu.Lock()
	if on = m.session; on == nil {
		on, m.session = s, s
		if m.busy { // the session counts the running loop from now on
			m.startLoop()
		}
	}
	e.submitLocked(m, nil)
	return on
}

// startLoop marks the loop as running and counts it in the session. The caller holds the lock.
func (m *mailbox) startLoop() {
	m.busy = true
	if m.session != nil {
		m.countedSession = m.session
		m.countedSession.add()
	}
}

// endLoop marks the loop as ended and counts it out. The caller holds the lock.
func (m *mailbox) endLoop() {
	m.busy = false
	if m.countedSession != nil {
		m.countedSession.done()
		m.countedSession = nil
	}
}

// leaveSession waits until nothing goes on in s and takes s from the mailbox. It reports whether
// something is left that another session would do: what is ready, and outbox entries for which this
// session had no time. An entry that it could not deliver in its time is the sweeper's.
func (e *Engine) leaveSession(m *mailbox, s *workSession) (left bool) {
	for {
		s.wait()
		m.mu.Lock()
		if s.quiet() {
			break
		}
		m.mu.Unlock()
	}
	defer m.mu.Unlock()
	m.session = nil
	close(s.ended)
	late := e.closing() || e.nowMillis() > s.deadline
	return m.state != nil && (m.state.Ready() || m.more || late && m.state.Unsent())
}
