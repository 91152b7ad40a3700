// Package express runs Express executions whose caller waits: the same interpreter, in memory, with
// nothing written.
package express

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"millrace/shared/engine/dispatch"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// Runner runs Express executions. It is safe for many goroutines.
type Runner struct {
	Dispatcher *dispatch.Dispatcher
	Limits     *flow.Limits
	CallsMax   int // calls of one execution in flight
	WorkMax    int // work of a step, in evaluation steps of expressions
	// Line bounds the leased calls of an account; nil: there is no bound.
	Line *share.FairQueue
	// Processors is the pool of processors that executions take turns on; nil: no turns.
	Processors *share.Pool
	Owner      uint64          // of leases: this process
	Closed     context.Context // ends when the process must not go on
	Now        func() time.Time
	// OnStep is called with the events of each step, which are not stored anywhere. It must change
	// nothing. nil: not called.
	OnStep func(x *store.Execution, m *flow.Machine, events []flow.HistoryEvent)
}

// message is a message and the function that releases its bytes once it has been handled.
type message struct {
	interp.Message
	release func()
}

// run is one execution.
type run struct {
	r             *Runner
	m             *flow.Machine
	x             *store.Execution
	state         *interp.State
	messages      chan message
	calls         int
	releases      []func()      // of the messages that the next step handles
	capacityFreed chan struct{} // the account may call again; nil: there is no line
	lineKey       string        // of this run in the line
	woken         bool          // capacityFreed was received, and no call leased since

	goroutines sync.WaitGroup
}

// Run runs an execution from its state before the first step, and returns it as it ended. It
// returns an error when ctx is done or Closed ends first.
func (r *Runner) Run(
	ctx context.Context, m *flow.Machine, x *store.Execution, state *interp.State,
) (*store.Execution, error) {
	s := &run{r: r, m: m, x: x, state: state, messages: make(chan message, r.CallsMax)}
	if r.Line != nil {
		s.capacityFreed = make(chan struct{}, 1)
		s.lineKey = "express " + strconv.FormatUint(x.Run, 16)
	}
	return s.run(ctx)
}

func (s *run) now() int64 { return s.r.Now().UnixMilli() }

// run returns when the execution has ended, when ctx is done, or when Closed ends. A process that
// begins to close lets it end, because no other process could continue it.
func (s *run) run(ctx context.Context) (x *store.Execution, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.r.Dispatcher.Log.Error("the interpreter broke; the execution fails",
				"partition", s.x.Partition(), "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("express: the interpreter panicked: %v", p)
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer s.releaseAll()
	defer s.r.Line.Cancel(s.x.Account, s.lineKey)
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

func (s *run) step(
	ctx context.Context, messages []interp.Message,
) (interp.Effects, error) {
	ev := interp.StepInput{
		At: s.now(), Messages: messages, WorkMax: s.r.WorkMax,
	}
	lease := &interp.LeaseOptions{Max: s.r.CallsMax - s.calls, Owner: s.r.Owner}
	if s.r.Line == nil {
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

func (s *run) interpret(ctx context.Context, ev interp.StepInput) (interp.Effects, error) {
	fx, err := s.inTurn(ctx, ev)
	if s.r.OnStep != nil && err == nil {
		s.r.OnStep(s.x, s.m, fx.Events)
	}
	return fx, err
}

// inTurn calls interp.Step when the account's turn for a processor has come. Every step does a
// bounded amount of work, so no account waits for long.
func (s *run) inTurn(ctx context.Context, ev interp.StepInput) (interp.Effects, error) {
	turn, err := s.r.Processors.AcquireTurn(ctx, s.x.Account)
	if err != nil {
		return interp.Effects{}, err
	}
	defer turn.Release()
	return interp.Step(s.m, s.r.Limits, s.state, ev), nil
}

// takeCalls leases the attempts that are ready, as many as it gets places in the line for.
func (s *run) takeCalls(
	ctx context.Context, ev interp.StepInput, lease *interp.LeaseOptions,
) (calls []interp.Call, more bool, err error) {
	line, account := s.r.Line, s.x.Account
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

func (s *run) call(ctx context.Context, c *interp.Call) {
	t := dispatch.NewCall(s.x, c, s.now())
	attempt := c.Attempt
	s.calls++
	s.goroutines.Add(1)
	go func() {
		defer s.goroutines.Done()
		cctx := ctx
		if c.Deadline > 0 {
			var cancel context.CancelFunc
			cctx, cancel = context.WithTimeout(ctx, t.Timeout())
			defer cancel()
		}
		result, _ := s.r.Dispatcher.Run(cctx, t) // without a lease none is lost
		s.r.Line.Release(s.x.Account, 1)
		n := message{dispatch.Completed(attempt, result), dispatch.ReleaseOf(&result)}
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
func (s *run) accept(n message) interp.Message {
	s.calls--
	s.releases = append(s.releases, n.release)
	return n.Message
}

// releaseFolded releases the bytes of the results that the last step handled.
func (s *run) releaseFolded() {
	for _, release := range s.releases {
		release()
	}
	s.releases = s.releases[:0]
}

// releaseAll also releases results that no step will handle. No call may be in flight.
func (s *run) releaseAll() {
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
func (s *run) arrived(ctx context.Context) ([]interp.Message, error) {
	var messages []interp.Message
	for {
		select {
		case n := <-s.messages:
			messages = append(messages, s.accept(n))
		case <-s.r.Closed.Done():
			return nil, context.Canceled
		default:
			return messages, ctx.Err()
		}
	}
}

// wait waits for a message and returns it. It returns none if a timer is due, or if the account may
// call again.
func (s *run) wait(ctx context.Context) ([]interp.Message, error) {
	due := s.state.NextWakeTime(0)
	timer := time.NewTimer(time.Duration(max(due-s.now(), 0)) * time.Millisecond)
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
	case <-s.r.Closed.Done():
		return nil, context.Canceled
	}
}

func (s *run) ended() *store.Execution {
	s.x.Status, s.x.Stopped, s.x.Output, s.x.Error =
		s.state.Status, s.state.Stopped, s.state.Output, s.state.Error
	return s.x
}
