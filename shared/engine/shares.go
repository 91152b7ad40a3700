package engine

import "millrace/shared/share"

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
func (e *Engine) LineUsage() []share.Usage { return e.line.Usage() }

// takeTurn waits until the account may have a processor for the transaction. The transaction keeps
// it until it has to wait. The work until then is bounded, so no account waits for long.
func (t *transaction) takeTurn() (err error) {
	if t.turn == nil {
		t.turn, err = t.engine.Shares.Processors.AcquireTurn(t.engine.ctx, t.mailbox.x.Account)
	}
	return err
}

// endTurn releases the processor. Without a turn it does nothing.
func (t *transaction) endTurn() {
	t.turn.Release()
	t.turn = nil
}

// wakeWithheld submits an execution whose calls were withheld, because its account may call again.
// It does nothing if the engine is closing.
func (e *Engine) wakeWithheld(account, partition string) {
	if !e.addGoroutine() {
		return
	}
	go func() {
		defer e.goroutines.Done()
		e.submit(partition, &envelope{capacityFreed: true, done: func(reply) {
			e.line.WakeDone(account, partition)
		}})
	}()
}

// reserve takes up to placesMax places in the line for the attempts that are ready, and returns how
// many it got. If it got too few, wakeWithheld submits the execution again once there are more.
func (t *transaction) reserve(placesMax int) int {
	want := min(t.mailbox.state.ReadyAttempts(), placesMax)
	t.places = t.engine.line.Acquire(t.mailbox.x.Account, t.mailbox.partition, want, nil)
	t.callsWithheld = t.places < want
	return t.places
}

// unreserve releases the places that no call was leased for.
func (t *transaction) unreserve(taken int) {
	if unused := t.places - taken; unused > 0 {
		t.engine.line.Release(t.mailbox.x.Account, unused)
	}
	t.places = 0
}
