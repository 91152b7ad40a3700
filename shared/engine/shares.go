package engine

import (
	"context"

	"millrace/shared/interp"
	"millrace/shared/share"
)

// Shares divide the limited resources of this process between accounts. A nil pool has no bound.
type Shares struct {
	Polls   *share.Pool // requests that wait for the end of an execution
	Express *share.Pool // Express executions whose caller waits
	Calls   *share.Pool // calls in flight, each of which may hold a connection
	// LineCapacity is how many calls of an account may be leased beyond those that its share of
	// Calls lets begin. 0: 32.
	LineCapacity int
	// Processors is the pool of processors that executions take turns on.
	Processors *share.Pool
}

// defaultLineCapacity is the default of Shares.LineCapacity: enough calls to use up the share while
// the next ones are committed. Each waiting call holds its request in memory; an attempt that is
// not leased stays ready in the state row.
const defaultLineCapacity = 32

func (s *Shares) lineCapacity() int {
	if s.LineCapacity == 0 {
		return defaultLineCapacity
	}
	return s.LineCapacity
}

// LineUsage returns the places in the line of calls that accounts hold, and how many executions of
// each account wait for some. It is empty while no call is leased or in flight.
func (r *Engine) LineUsage() []share.Usage { return r.line.Usage() }

// inTurn runs a step of the interpreter when the account's turn for a processor has come. Every
// step does a bounded amount of work, so no account waits for long.
func (r *Engine) inTurn(
	ctx context.Context, account string, step func() interp.Effects,
) (interp.Effects, error) {
	turn, err := r.Shares.Processors.AcquireTurn(ctx, account)
	if err != nil {
		return interp.Effects{}, err
	}
	defer turn.Release()
	return step(), nil
}

// takeTurn waits until the account may have a processor for the transaction. The transaction keeps
// it until it has to wait. The work until then is bounded, so no account waits for long.
func (f *transaction) takeTurn() (err error) {
	if f.turn == nil {
		f.turn, err = f.r.Shares.Processors.AcquireTurn(f.r.ctx, f.c.x.Account)
	}
	return err
}

// endTurn releases the processor. Without a turn it does nothing.
func (f *transaction) endTurn() {
	f.turn.Release()
	f.turn = nil
}

// acquireCall waits until the account may have one more call in flight. The time in line counts
// towards the task's timeout. An error says that the call must not begin: its time is over, or the
// engine closes.
func (r *Engine) acquireCall(ctx context.Context, t *pendingCall) error {
	account := t.request.Account
	if r.Shares.Calls.AcquireNow(account, 1) {
		return nil
	}
	t.dropTree()
	return r.Shares.Calls.Acquire(ctx, account, 1)
}

// wakeWithheld submits an execution whose calls were withheld, because its account may call again.
// It does nothing if the engine is closing.
func (r *Engine) wakeWithheld(account, partition string) {
	if !r.addGoroutine() {
		return
	}
	go func() {
		defer r.goroutines.Done()
		r.submit(partition, &envelope{capacityFreed: true, done: func(reply) {
			r.line.WakeDone(account, partition)
		}})
	}()
}

// reserve takes up to placesMax places in the line for the attempts that are ready, and returns how
// many it got. If it got too few, wakeWithheld submits the execution again once there are more.
func (f *transaction) reserve(placesMax int) int {
	want := min(f.c.state.ReadyAttempts(), placesMax)
	f.places = f.r.line.Acquire(f.c.x.Account, f.c.partition, want, nil)
	f.callsWithheld = f.places < want
	return f.places
}

// unreserve releases the places that no call was leased for.
func (f *transaction) unreserve(taken int) {
	if unused := f.places - taken; unused > 0 {
		f.r.line.Release(f.c.x.Account, unused)
	}
	f.places = 0
}
