package runner

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
	// Line is how many calls of an account may be taken beyond those that its share of Calls lets
	// begin. 0: 32.
	Line int
	// Processors are what executions are advanced by, in turns.
	Processors *share.Pool
}

// lineMax is the default of Shares.Line: enough that the share is used up while the next calls are
// committed. Each holds its request in memory. What is not taken is ready in the state row.
const lineMax = 32

func (s *Shares) linePlaces() int {
	if s.Line == 0 {
		return lineMax
	}
	return s.Line
}

// LineUsage returns the places in the line of calls that accounts have, and how many executions of
// each wait for some. While no call is taken or in flight it is empty.
func (r *Runner) LineUsage() []share.Usage { return r.line.Usage() }

// inTurn runs the interpreter when the account's turn for a processor has come. Every step has a
// bounded amount of work, so no account waits for long.
func (r *Runner) inTurn(ctx context.Context, account string, step func() interp.Effects) (interp.Effects, error) {
	turn, err := r.Shares.Processors.Turn(ctx, account)
	if err != nil {
		return interp.Effects{}, err
	}
	defer turn.End()
	return step(), nil
}

// takeTurn waits until the account may have a processor for the fold. The fold keeps it until it
// waits for something: what it computes then is bounded, so no account waits for long.
func (f *fold) takeTurn() (err error) {
	if f.turn == nil {
		f.turn, err = f.r.Shares.Processors.Turn(f.r.life, f.c.x.Account)
	}
	return err
}

// endTurn gives the processor back. Without a turn it does nothing.
func (f *fold) endTurn() {
	f.turn.End()
	f.turn = nil
}

// inLine waits until the account may have one more call in flight. The time in line counts towards
// the task's timeout. An error says that no caller waits any more: the call's time is over, or the
// runner closes.
func (r *Runner) inLine(ctx context.Context, t *taken) error {
	account := t.request.Account
	if r.Shares.Calls.AcquireNow(account, 1) {
		return nil
	}
	t.rest()
	return r.Shares.Calls.Acquire(ctx, account, 1)
}

// takeUp makes a runner goroutine look at an execution that was held back, because its account may
// take calls again. When the runner closes nothing is taken any more.
func (r *Runner) takeUp(account, partition string) {
	if !r.enter() {
		return
	}
	go func() {
		defer r.work.Done()
		r.submit(partition, &item{turn: true, done: func(answer) { r.line.Over(account, partition) }})
	}()
}

// reserve takes places in the line for what the execution has ready, at most so many. What it gets
// fewer is looked at again when there is room.
func (f *fold) reserve(most int) int {
	want := min(f.c.state.ReadyAttempts(), most)
	f.places = f.r.line.Take(f.c.x.Account, f.c.partition, want, nil)
	f.heldBack = f.places < want
	return f.places
}

// unreserve gives the places back for which no call was taken.
func (f *fold) unreserve(taken int) {
	if unused := f.places - taken; unused > 0 {
		f.r.line.GiveBack(f.c.x.Account, unused)
	}
	f.places = 0
}
