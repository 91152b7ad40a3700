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

// syncMessage is a message and the function that releases its bytes once it has been handled.
type syncMessage struct {
	interp.Message
	release func()
}

// syncRun runs an Express execution: the same interpreter, in memory, with nothing written.
type syncRun struct {
	r             *Engine
	m             *flow.Machine
	x             *store.Execution
	state         *interp.State
	messages      chan syncMessage
	calls         int
	releases      []func()      // of the messages that the next step handles
	capacityFreed chan struct{} // the account may call again; nil: there is no line
	lineKey       string        // of this run in the line
	woken         bool          // capacityFreed was received, and no call leased since

	goroutines sync.WaitGroup
}

func newSync(r *Engine, m *flow.Machine, s Start) *syncRun {
	limit := r.Limits.ExpressSeconds
	if m.TimeoutSeconds > 0 {
		limit = min(limit, m.TimeoutSeconds)
	}
	if syncMax := int64(r.SyncTimeMax / time.Second); syncMax > 0 {
		limit = min(limit, syncMax)
	}
	x := r.newExecution(&s, m.Language, limit)
	x.Express = true
	state, _ := r.decodeState(x)
	state.Input.LoadParsed(s.Canonical, s.Tree)
	run := &syncRun{r: r, m: m, x: x, state: state, messages: make(chan syncMessage, r.CallsMax)}
	if r.line != nil {
		run.capacityFreed = make(chan struct{}, 1)
		run.lineKey = "express " + strconv.FormatUint(x.Run, 16)
	}
	return run
}

// run returns when the execution has ended, when ctx is done, or when Close cancels the engine. An
// engine that begins to close lets it end, because no other process could continue it.
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
	var messages []interp.Message
	for {
		fx, err := s.step(ctx, messages)
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
			messages, err = s.arrived(ctx)
		} else {
			messages, err = s.wait(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *syncRun) step(
	ctx context.Context, messages []interp.Message,
) (interp.Effects, error) {
	ev := interp.StepInput{
		At: s.r.nowMillis(), Messages: messages, WorkMax: s.r.TransactionWorkMax,
	}
	lease := &interp.LeaseOptions{Max: s.r.CallsMax - s.calls, Owner: s.r.owner}
	if s.r.line == nil {
		ev.Lease = lease
		return s.interpret(ctx, ev)
	}
	fx, err := s.interpret(ctx, ev)
	if err != nil || fx.More || s.state.Final() {
		return fx, err
	}
	fx.Calls, fx.More, err = s.takeCalls(ctx, ev, lease)
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

// takeCalls leases the attempts that are ready, as many as it gets places in the line for.
func (s *syncRun) takeCalls(
	ctx context.Context, ev interp.StepInput, lease *interp.LeaseOptions,
) (calls []interp.Call, more bool, err error) {
	line, account := s.r.line, s.x.Account
	want := min(s.state.ReadyAttempts(), lease.Max)
	lease.Max = line.Acquire(account, s.lineKey, want, s.capacityFreed)
	places := lease.Max
	defer func() { line.Release(account, places-len(calls)) }()
	if s.woken {
		line.WakeDone(account, s.lineKey)
		s.woken = false
	}
	if places == 0 {
		return nil, false, nil
	}
	ev.Messages, ev.Lease = nil, lease
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

// accept returns the message for the next step.
func (s *syncRun) accept(n syncMessage) interp.Message {
	s.calls--
	s.releases = append(s.releases, n.release)
	return n.Message
}

// releaseFolded releases the bytes of the results that the last step handled.
func (s *syncRun) releaseFolded() {
	for _, release := range s.releases {
		release()
	}
	s.releases = s.releases[:0]
}

// releaseAll also releases results that no step will handle. No call may be in flight.
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

// arrived returns the messages that arrived while the execution computed, or the error of ctx.
func (s *syncRun) arrived(ctx context.Context) ([]interp.Message, error) {
	var messages []interp.Message
	for {
		select {
		case n := <-s.messages:
			messages = append(messages, s.accept(n))
		case <-s.r.ctx.Done():
			return nil, context.Canceled
		default:
			return messages, ctx.Err()
		}
	}
}

// wait waits for a message and returns it. It returns none if a timer is due, or if the account may
// call again.
func (s *syncRun) wait(ctx context.Context) ([]interp.Message, error) {
	due := s.state.NextWakeTime(0)
	timer := time.NewTimer(time.Duration(max(due-s.r.nowMillis(), 0)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-s.capacityFreed: // first: other executions of the account wait for this run
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
	s.x.Status, s.x.Stopped, s.x.Output, s.x.Error =
		s.state.Status, s.state.Stopped, s.state.Output, s.state.Error
	return s.x
}
