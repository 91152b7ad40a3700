package runner

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

// syncNews is an answer, and what releases its bytes once it has been folded.
type syncNews struct {
	interp.Message
	release func()
}

// syncRun is an Express execution: the same interpreter, in memory, nothing written.
type syncRun struct {
	r      *Runner
	m      *flow.Machine
	x      *store.Execution
	state  *interp.State
	news   chan syncNews
	calls  int
	taken  []func()      // release the answers that the next step folds
	turn   chan struct{} // the account may take calls again; nil without a line
	key    string        // of this run in the line
	called bool          // its turn has come

	flying sync.WaitGroup
}

func newSync(r *Runner, m *flow.Machine, s Start) *syncRun {
	limit := r.Limits.ExpressSeconds
	if m.TimeoutSeconds > 0 {
		limit = min(limit, m.TimeoutSeconds)
	}
	if most := int64(r.SyncMax / time.Second); most > 0 {
		limit = min(limit, most)
	}
	x := r.newExecution(&s, m.Language, limit)
	x.Express = true
	state, _ := r.stateOf(x)
	state.Input.LoadParsed(s.Canonical, s.Tree)
	run := &syncRun{r: r, m: m, x: x, state: state, news: make(chan syncNews, r.CallsMax)}
	if r.line != nil {
		run.turn, run.key = make(chan struct{}, 1), "express "+strconv.FormatUint(x.Run, 16)
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
	defer s.r.line.Leave(s.x.Account, s.key)
	defer s.flying.Wait() // a function's process may be frozen after its answer
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
	ev := interp.StepInput{At: s.r.nowMillis(), Messages: news, WorkMax: s.r.FoldWork}
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
	if s.r.ExpressSteps != nil && err == nil {
		s.r.ExpressSteps(s.x, s.m, fx.Events)
	}
	return fx, err
}

// takeCalls takes what is ready, as many calls as there are places for in the line.
func (s *syncRun) takeCalls(
	ctx context.Context, ev interp.StepInput, take *interp.LeaseOptions,
) (calls []interp.Call, more bool, err error) {
	line, account := s.r.line, s.x.Account
	want := min(s.state.ReadyAttempts(), take.Max)
	take.Max = line.Take(account, s.key, want, s.turn)
	places := take.Max
	defer func() { line.GiveBack(account, places-len(calls)) }()
	if s.called {
		line.Over(account, s.key)
		s.called = false
	}
	if places == 0 {
		return nil, false, nil
	}
	ev.Messages, ev.Lease = nil, take
	fx, err := s.interpret(ctx, ev)
	return fx.Calls, fx.More, err
}

func (s *syncRun) call(ctx context.Context, c *interp.Call) {
	t := takenOf(s.x, c, s.r.nowMillis())
	attempt := c.Attempt
	s.calls++
	s.flying.Add(1)
	go func() {
		defer s.flying.Done()
		cctx := ctx
		if c.Deadline > 0 {
			var cancel context.CancelFunc
			cctx, cancel = context.WithTimeout(ctx, t.request.Timeout)
			defer cancel()
		}
		result := s.r.carryOut(cctx, t)
		s.r.line.GiveBack(s.x.Account, 1)
		n := syncNews{newsOf(attempt, result), releaseOf(&result)}
		if cctx.Err() == context.DeadlineExceeded {
			n.Message = interp.Message{} // the interpreter closes the attempt by its deadline
		}
		select {
		case s.news <- n:
		case <-ctx.Done():
			n.release()
		}
	}()
}

// take takes an answer in for the next step.
func (s *syncRun) take(n syncNews) interp.Message {
	s.calls--
	s.taken = append(s.taken, n.release)
	return n.Message
}

// releaseFolded gives back the bytes of the answers that a step has folded.
func (s *syncRun) releaseFolded() {
	for _, release := range s.taken {
		release()
	}
	s.taken = s.taken[:0]
}

// releaseAll gives back also what is not folded any more. No call is in flight.
func (s *syncRun) releaseAll() {
	s.releaseFolded()
	for {
		select {
		case n := <-s.news:
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
		case n := <-s.news:
			news = append(news, s.take(n))
		case <-s.r.life.Done():
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
	case <-s.turn: // first: others of the account wait until this run has asked
		s.called = true
		return nil, nil
	default:
	}
	select {
	case n := <-s.news:
		return []interp.Message{s.take(n)}, nil
	case <-s.turn:
		s.called = true
		return nil, nil
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.r.life.Done():
		return nil, context.Canceled
	}
}

func (s *syncRun) ended() *store.Execution {
	s.x.Status, s.x.Stopped, s.x.Output, s.x.Error = s.state.Status, s.state.Stopped, s.state.Output, s.state.Error
	return s.x
}
