package engine

import (
	"context"

	"millrace/shared/interp"
	"millrace/shared/share"
)

// Shares divide between accounts what this process has only so much of. A nil pool does not.
type Shares struct {
	Polls   *share.Pool // requests that wait for the end of an execution
	Express *share.Pool // Express executions that are waited for
	Calls   *share.Pool // calls in flight, of which each may hold a connection
	// LineCapacity is how many calls of an account may be taken beyond those that its share of Calls lets
	// begin. 0: 32.
	LineCapacity int
	// Processors are what executions are advanced by, in turns.
	Processors *share.Pool
}

// defaultLineCapacity is the default of Shares.Line: enough that the share is used up while the next calls are
// committed. Each holds its request in memory. What is not taken is ready in the state row.
const defaultLineCapacity = 32

func (s *Shares) lineCapacity() int {
	if s.LineCapacity == 0 {
		return defaultLineCapacity
	}
	return s.LineCapacity
}

// LineUsage returns the places in the line of calls that accounts have, and how many executions of
// each wait for some. While no call is taken or in flight it is empty.
func (r *Engine) LineUsage() []share.Usage { return r.line.Usage() }

// inTurn runs the interpreter when the account's turn for a processor has come. Every step has a
// bounded amount of work, so no account waits for long.
func (r *Engine) inTurn(ctx context.Context, account string, step func() interp.Effects) (interp.Effects, error) {
	turn, err := r.Shares.Processors.AcquireTurn(ctx, account)
	if err != nil {
		return interp.Effects{}, err
	}
	defer turn.Release()
	return step(), nil
}

// takeTurn waits until the account may have a processor for the fold. The fold keeps it until it
// waits for something: what it computes then is bounded, so no account waits for long.
func (f *transaction) takeTurn() (err error) {
	if f.turn == nil {
		f.turn, err = f.r.Shares.Processors.AcquireTurn(f.r.ctx, f.c.x.Account)
	}
	return err
}

// endTurn gives the processor back. Without a turn it does nothing.
func (f *transaction) endTurn() {
	f.turn.Release()
	f.turn = nil
}

// acquireCall waits until the account may have one more call in flight. The time in line counts towards
// the task's timeout. An error says that no caller waits any more: the call's time is over, or the
// runner closes.
func (r *Engine) acquireCall(ctx context.Context, t *pendingCall) error {
	account := t.request.Account
	if r.Shares.Calls.AcquireNow(account, 1) {
		return nil
	}
	t.dropTree()
	return r.Shares.Calls.Acquire(ctx, account, 1)
}

// wakeWithheld makes a runner goroutine look at an execution that was held back, because its account may
// take calls again. When the runner closes nothing is taken any more.
func (r *Engine) wakeWithheld(account, partition string) {
	if !r.addGoroutine() {
		return
	}
	go func() {
		defer r.goroutines.Done()
		r.submit(partition, &envelope{capacityFreed: true, done: func(reply) { r.line.WakeDone(account, partition) }})
	}()
}

// reserve takes places in the line for what the execution has ready, at most so many. What it gets
// fewer is looked at again when there is room.
func (f *transaction) reserve(most int) int {
	want := min(f.c.state.ReadyAttempts(), most)
	f.places = f.r.line.Acquire(f.c.x.Account, f.c.partition, want, nil)
	f.callsWithheld = f.places < want
	return f.places
}

// unreserve gives the places back for which no call was taken.
func (f *transaction) unreserve(taken int) {
	if unused := f.places - taken; unused > 0 {
		f.r.line.Release(f.c.x.Account, unused)
	}
	f.places = 0
}
