package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// transaction is one fold and its commit.
type transaction struct {
	r             *Engine
	c             *mailbox
	envelopes     []*envelope // those that bring news
	created       bool        // the commit claims the name
	due           bool        // the sweeper has found the row due
	resetCounts   bool        // tries or begun stand in the row: the next commit sets them back
	runnerCounted *bool       // an earlier try of the round has counted that this runner begins
	fatal         *flow.Error // the execution cannot be advanced: it ends with this
	out           interp.Effects

	turn *share.Turn // held while the fold computes, nil while it waits

	places        int  // taken in the line and not given back, nor handed to calls
	callsWithheld bool // the account had no room for all attempts that are ready
}

func (f *transaction) run() error {
	defer f.endTurn()
	r, c := f.r, f.c
	if c.state.Final() && len(f.envelopes) == 0 && len(c.state.Outbox) == 0 {
		return nil
	}
	if f.isSuspect() {
		select {
		case r.quarantine <- struct{}{}:
			defer func() { <-r.quarantine }()
		case <-r.ctx.Done():
			return context.Canceled
		}
	}
	if err := f.countRunner(); err != nil {
		return err
	}
	if c.machine == nil && !c.state.Final() && f.fatal == nil && r.isExecutor(c) {
		m, err := r.machines.get(r.backgroundContext(c.partition), c.x)
		if err != nil {
			return err
		}
		c.machine = m
	}
	if err := f.step(); err != nil {
		return err
	}
	if f.out.Changed || f.created || r.isExecutor(c) && (f.resetCounts || f.wokeEarly()) {
		return f.commit()
	}
	return nil
}

// wokeEarly tells whether the row's wake time has come before there was any need: it is moved, or the sweeper would come
// again and again.
func (f *transaction) wokeEarly() bool {
	x := f.c.x
	return !f.c.state.Final() && x.Wake > 0 && x.Wake <= f.r.nowMillis()
}

// Bounds of what an execution may do to its runners (execution.md 1.4).
const (
	sweepAttemptsMax  = 3
	runnerAttemptsMax = 5
)

// isSuspect tells whether an execution has been found due, or left behind by a process, so often that it may be what brings
// processes down. One that owns its store then takes up nothing else that is suspected with it: when it dies, that one alone
// has counted.
func (f *transaction) isSuspect() bool {
	return f.r.Exclusive && !f.created && f.c.x.SweepAttempts >= sweepAttemptsMax
}

// isOrphan tells whether an execution is what the process before has left, and this one has not counted yet that it takes
// it up. The owner of a store counts that as the sweeper does what it finds due: a process that dies as soon as it has
// started, of what it takes up or is told at once, never gets to its first sweep.
func (f *transaction) isOrphan() bool {
	return f.r.Exclusive && !f.c.pickupCounted && f.c.x.LastTime < f.r.started
}

// countRunner counts, before anything is folded and the definition is read, that a runner begins with an execution that the
// sweeper has found due again and again: a fold that takes its process down must not be tried for ever. A fold that is
// got through sets the counts back, also when it changes nothing: a row that only waits is found due whenever its wake
// time was earlier than needed, and must not pass for a broken one. A runner counts once for all tries of a round: that it
// has lost a race, or that the store fails for a while, is no reason to take the execution for broken either.
func (f *transaction) countRunner() error {
	x := f.c.x
	f.resetCounts = x.SweepAttempts > 0 || x.RunnerAttempts > 0
	begins, inherited := x.SweepAttempts >= sweepAttemptsMax && !*f.runnerCounted, f.isOrphan()
	if f.created || f.fatal != nil || f.c.state.Final() || !f.r.isExecutor(f.c) || !begins && !f.due && !inherited {
		return nil
	}
	ch := unchanged(x)
	if f.due || inherited {
		ch.SweepAttempts++
	}
	if f.due {
		ch.Wake = f.r.nowMillis() + sweepBackoff(x.SweepAttempts)
	}
	if begins {
		if x.RunnerAttempts >= runnerAttemptsMax {
			f.fatal = &flow.Error{Name: "FnF.InternalError",
				Cause: "the execution could not be advanced: every runner that took it up was lost or gave up"}
			return nil
		}
		ch.RunnerAttempts++
	}
	f.resetCounts = true
	err := f.r.Store.Commit(f.r.ctx, x, ch)
	counted := !errors.Is(err, store.ErrConflict)
	*f.runnerCounted, f.c.pickupCounted = *f.runnerCounted || begins && counted, f.c.pickupCounted || inherited && counted
	return err
}

// sweepBackoff is how long the sweeper leaves an execution alone that it has seen to so often, ms: 1 min, doubled up to an hour.
func sweepBackoff(tries int) int64 {
	return min(int64(1)<<min(tries, 6), 60) * time.Minute.Milliseconds()
}

// unchanged is a change that changes nothing.
func unchanged(x *store.Execution) *store.Change {
	return &store.Change{Status: x.Status, Stopped: x.Stopped, Output: x.Output, Error: x.Error, LastEvent: x.LastEvent,
		LastTime: x.LastTime, Wake: x.Wake, SweepAttempts: x.SweepAttempts, RunnerAttempts: x.RunnerAttempts}
}

// step runs the interpreter, loading what it asks for.
func (f *transaction) step() error {
	r, c := f.r, f.c
	now := r.nowMillis()
	ev := interp.StepInput{At: now, Messages: f.messages(now), EventsMax: r.TransactionEventsMax, WorkMax: r.TransactionWorkMax}
	var take *interp.LeaseOptions // once there are places for what is ready
	if r.mayCall(c) {
		take = &interp.LeaseOptions{Max: r.CallsMax - f.callsInFlight(), Owner: r.owner,
			DurationMax: r.LeaseMax.Milliseconds()}
	}
	if r.line == nil {
		ev.Lease, take = take, nil
	}
	if r.OnTransaction != nil {
		r.OnTransaction(c.partition, c.x.Version, r.isExecutor(c), ev)
	}
	for {
		out, err := f.interpret(ev)
		if err != nil {
			return err
		}
		f.addEffects(out)
		switch {
		case len(out.Need) > 0:
			f.endTurn()
			if err := r.Store.LoadValues(r.ctx, c.x, out.Need); err != nil {
				return err
			}
		case take == nil || out.More || c.state.Final():
			return nil
		default:
			if take.Max = f.reserve(take.Max); take.Max == 0 {
				return nil
			}
			ev.Lease, take = take, nil
			if r.OnTransaction != nil {
				r.OnTransaction(c.partition, c.x.Version, r.isExecutor(c), interp.StepInput{At: ev.At, Lease: ev.Lease})
			}
		}
		ev.Messages, ev.EventsMax, ev.WorkMax = nil, max(1, r.TransactionEventsMax-len(f.out.Events)), max(1, r.TransactionWorkMax-f.out.Work)
	}
}

// addEffects adds what a part of the fold has brought.
func (f *transaction) addEffects(out interp.Effects) {
	f.out.Events = joined(f.out.Events, out.Events)
	f.out.Calls = joined(f.out.Calls, out.Calls)
	f.out.Replies = joined(f.out.Replies, out.Replies)
	f.out.Changed = f.out.Changed || out.Changed
	f.out.Work += out.Work
	f.out.More = out.More
}

// joined is both lists as one; most folds have one part.
func joined[T any](before, more []T) []T {
	if len(before) == 0 {
		return more
	}
	return append(before, more...)
}

// callsInFlight is how many calls are still in flight once the items are folded.
func (f *transaction) callsInFlight() int {
	n := len(f.c.calls)
	for _, it := range f.envelopes {
		if it.message.Kind == interp.CallCompleted {
			if _, ok := f.c.calls[it.message.Attempt]; ok {
				n--
			}
		}
	}
	return n
}

// panicError is a panic of the interpreter.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("engine: the interpreter panicked: %v", e.value)
}

// interpret is interp.Step. A panic there is a mistake of the engine, which must take down neither the process nor
// the other executions.
func (f *transaction) interpret(ev interp.StepInput) (out interp.Effects, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	m := f.c.machine
	if !f.r.isExecutor(f.c) {
		m = nil // news alone needs none
	}
	if err := f.takeTurn(); err != nil {
		return out, err
	}
	return interp.Step(m, &f.r.Limits, f.c.state, ev), nil
}

// messages is what is folded: what the items bring, and what the leases say.
func (f *transaction) messages(now int64) []interp.Message {
	r, c := f.r, f.c
	news := make([]interp.Message, 0, len(f.envelopes)+1)
	if f.fatal != nil {
		news = append(news, interp.Message{Kind: interp.EngineFailed, Error: f.fatal})
	}
	for _, it := range f.envelopes {
		news = append(news, it.message)
	}
	if c.state.LastEvent == 0 || c.state.Final() || f.fatal != nil {
		return news
	}
	for _, l := range c.state.Leases() {
		_, flying := c.calls[l.Attempt]
		switch {
		case l.Owner == r.owner && flying:
			if n, ok := r.leaseRenewal(l, now); ok {
				news = append(news, n)
			}
		case f.completes(l.Attempt):
			// Its answer is among the items.
		case l.Owner == r.owner, r.Exclusive, now >= l.Until+interp.LeaseMargin:
			news = append(news, interp.Message{Kind: interp.LeaseExpired, Attempt: l.Attempt, Owner: l.Owner})
		}
	}
	return news
}

// leaseRenewal prolongs the lease of a call in flight once half of it is over.
func (r *Engine) leaseRenewal(l interp.Lease, now int64) (interp.Message, bool) {
	if r.CallTimeMax > 0 {
		return interp.Message{}, false
	}
	whole := r.LeaseMax.Milliseconds()
	until := min(now+whole, l.Deadline) + interp.LeaseMargin
	if l.Until-now > whole/2+interp.LeaseMargin || until <= l.Until {
		return interp.Message{}, false
	}
	return interp.Message{Kind: interp.LeaseRenewed, Attempt: l.Attempt, Owner: l.Owner, Until: until}, true
}

func (f *transaction) completes(attempt int64) bool {
	for _, it := range f.envelopes {
		if it.message.Kind == interp.CallCompleted && it.message.Attempt == attempt {
			return true
		}
	}
	return false
}
