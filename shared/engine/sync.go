package engine

import (
	"context"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// syncMessage is an answer, and what releases its bytes once it has been folded.
type syncMessage struct {
	interp.Message
	release func()
}

// syncRun is an Express execution: the same interpreter, in memory, nothing written.
type syncRun struct {
	r             *Engine
	m             *flow.Machine
	x             *store.Execution
	state         *interp.State
	messages      chan syncMessage
	calls         int
	releases      []func()      // release the answers that the next step folds
	capacityFreed chan struct{} // the account may take calls again; nil without a line
	lineKey       string        // of this run in the line
	woken         bool          // its turn has come

	goroutines sync.WaitGroup
}

func newSync(r *Engine, m *flow.Machine, s Start) *syncRun {
	limit := r.Limits.ExpressSeconds
	if m.TimeoutSeconds > 0 {
		limit = min(limit, m.TimeoutSeconds)
	}
	if most := int64(r.SyncTimeMax / time.Second); most > 0 {
		limit = min(limit, most)
	}
	x := r.newExecution(&s, m.Language, limit)
	x.Express = true
	state, _ := r.decodeState(x)
	state.Input.LoadParsed(s.Canonical, s.Tree)
	run := &syncRun{r: r, m: m, x: x, state: state, messages: make(chan syncMessage, r.CallsMax)}
	if r.line != nil {
		run.capacityFreed, run.lineKey = make(chan struct{}, 1), "express "+strconv.FormatUint(x.Run, 16)
	}
	return run
}

// run goes on until the execution ends, the caller leaves or the runner is cut off: a runner that closes lets it end,
// since nobody could take it over.
func (s *syncRun) run(ctx context.Context) (x *store.Execution, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer s.releaseAll()
	defer s.r.line.Cancel(s.x.Account, s.lineKey)
	defer s.goroutines.Wait() // a function's process may be frozen after its answer
	defer cancel()
	var news []interp.Message
	for {
		fx, err := s.step(ctx, news)
		if err != nil {
			return nil, err
		}
		s.releaseFolded()
		if s.state.Final() {
			return s.ended(), nil
		}
		for i := range fx.Calls {
			s.call(ctx, &fx.Calls[i])
		}
		if fx.More {
			news, err = s.arrived(ctx)
		} else {
			news, err = s.wait(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *syncRun) step(ctx context.Context, news []interp.Message) (interp.Effects, error) {
	ev := interp.StepInput{At: s.r.nowMillis(), Messages: news, WorkMax: s.r.TransactionWorkMax}
	take := &interp.LeaseOptions{Max: s.r.CallsMax - s.calls, Owner: s.r.owner}
	if s.r.line == nil {
		ev.Lease = take
		return s.interpret(ctx, ev)
	}
	fx, err := s.interpret(ctx, ev)
	if err != nil || fx.More || s.state.Final() {
		return fx, err
	}
	fx.Calls, fx.More, err = s.takeCalls(ctx, ev, take)
	return fx, err
}

func (s *syncRun) interpret(ctx context.Context, ev interp.StepInput) (interp.Effects, error) {
	fx, err := s.r.inTurn(ctx, s.x.Account, func() interp.Effects {
		return interp.Step(s.m, &s.r.Limits, s.state, ev)
	})
	if s.r.OnExpressStep != nil && err == nil {
		s.r.OnExpressStep(s.x, s.m, fx.Events)
	}
	return fx, err
}

// takeCalls takes what is ready, as many calls as there are places for in the line.
func (s *syncRun) takeCalls(
	ctx context.Context, ev interp.StepInput, take *interp.LeaseOptions,
) (calls []interp.Call, more bool, err error) {
	line, account := s.r.line, s.x.Account
	want := min(s.state.ReadyAttempts(), take.Max)
	take.Max = line.Acquire(account, s.lineKey, want, s.capacityFreed)
	places := take.Max
	defer func() { line.Release(account, places-len(calls)) }()
	if s.woken {
		line.WakeDone(account, s.lineKey)
		s.woken = false
	}
	if places == 0 {
		return nil, false, nil
	}
	ev.Messages, ev.Lease = nil, take
	fx, err := s.interpret(ctx, ev)
	return fx.Calls, fx.More, err
}

func (s *syncRun) call(ctx context.Context, c *interp.Call) {
	t := newPendingCall(s.x, c, s.r.nowMillis())
	attempt := c.Attempt
	s.calls++
	s.goroutines.Add(1)
	go func() {
		defer s.goroutines.Done()
		cctx := ctx
		if c.Deadline > 0 {
			var cancel context.CancelFunc
			cctx, cancel = context.WithTimeout(ctx, t.request.Timeout)
			defer cancel()
		}
		result := s.r.runTask(cctx, t)
		s.r.line.Release(s.x.Account, 1)
		n := syncMessage{callCompleted(attempt, result), releaseOf(&result)}
		if cctx.Err() == context.DeadlineExceeded {
			n.Message = interp.Message{} // the interpreter closes the attempt by its deadline
		}
		select {
		case s.messages <- n:
		case <-ctx.Done():
			n.release()
		}
	}()
}

// accept takes an answer in for the next step.
func (s *syncRun) accept(n syncMessage) interp.Message {
	s.calls--
	s.releases = append(s.releases, n.release)
	return n.Message
}

// releaseFolded gives back the bytes of the answers that a step has folded.
func (s *syncRun) releaseFolded() {
	for _, release := range s.releases {
		release()
	}
	s.releases = s.releases[:0]
}

// releaseAll gives back also what is not folded any more. No call is in flight.
func (s *syncRun) releaseAll() {
	s.releaseFolded()
	for {
		select {
		case n := <-s.messages:
			n.release()
		default:
			return
		}
	}
}

// arrived returns the news that has come while the execution computed, if its caller is still
// there.
func (s *syncRun) arrived(ctx context.Context) ([]interp.Message, error) {
	var news []interp.Message
	for {
		select {
		case n := <-s.messages:
			news = append(news, s.accept(n))
		case <-s.r.ctx.Done():
			return nil, context.Canceled
		default:
			return news, ctx.Err()
		}
	}
}

// wait gives the next news, or none when a timer is due.
func (s *syncRun) wait(ctx context.Context) ([]interp.Message, error) {
	due := s.state.NextWakeTime(0)
	timer := time.NewTimer(time.Duration(max(due-s.r.nowMillis(), 0)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-s.capacityFreed: // first: others of the account wait until this run has asked
		s.woken = true
		return nil, nil
	default:
	}
	select {
	case n := <-s.messages:
		return []interp.Message{s.accept(n)}, nil
	case <-s.capacityFreed:
		s.woken = true
		return nil, nil
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.r.ctx.Done():
		return nil, context.Canceled
	}
}

func (s *syncRun) ended() *store.Execution {
	s.x.Status, s.x.Stopped, s.x.Output, s.x.Error = s.state.Status, s.state.Stopped, s.state.Output, s.state.Error
	return s.x
}
