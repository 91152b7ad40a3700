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

// transaction is one step of an execution and its commit.
type transaction struct {
	r             *Engine
	c             *mailbox
	envelopes     []*envelope // those with a message
	created       bool        // the commit claims the name
	due           bool        // the sweeper found the row due
	resetCounts   bool        // the row counts attempts: the next commit resets them
	engineCounted *bool       // set once commitWithRetry has counted this engine
	fatal         *flow.Error // the execution cannot be advanced: it ends with this error
	out           interp.Effects

	turn *share.Turn // held while the step computes, nil while it waits

	places        int  // reserved in the line, and neither released nor handed to calls
	callsWithheld bool // the account has no capacity for all ready attempts
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
	if err := f.countEngine(); err != nil {
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

// wokeEarly reports whether the row's wake time passed although nothing was due. It must be moved,
// or the sweeper would find the row again and again.
func (f *transaction) wokeEarly() bool {
	x := f.c.x
	return !f.c.state.Final() && x.Wake > 0 && x.Wake <= f.r.nowMillis()
}

// Limits on the attempts to advance a poison execution (execution.md 1.4).
const (
	sweepAttemptsMax  = 3
	engineAttemptsMax = 5
)

// isSuspect reports whether the execution may be a poison execution: the sweeper, or a process that
// started, picked it up sweepAttemptsMax times without a completed transaction. An exclusive engine
// processes suspects one at a time, so that a crash is counted for the execution that caused it
// alone.
func (f *transaction) isSuspect() bool {
	return f.r.Exclusive && !f.created && f.c.x.SweepAttempts >= sweepAttemptsMax
}

// isOrphan reports whether the execution was left by an earlier process and this process has not
// counted its pickup yet. An exclusive engine counts pickups as the sweeper counts due rows,
// because a process that crashes right after its start, on an execution it resumes or gets a
// message for, never reaches its first sweep.
func (f *transaction) isOrphan() bool {
	return f.r.Exclusive && !f.c.pickupCounted && f.c.x.LastTime < f.r.started
}

// countEngine counts an attempt to advance an execution that was picked up again and again. It
// commits the count before it reads the definition and before the step, because a step that crashes
// its process must not be repeated for ever. A completed transaction resets the counts even if it
// changes nothing else: a row that only waits is found due when its wake time was too early, and
// must not count as poison. commitWithRetry counts an engine once, because conflicts and store
// errors do not show that the execution is poison.
func (f *transaction) countEngine() error {
	x := f.c.x
	f.resetCounts = x.SweepAttempts > 0 || x.EngineAttempts > 0
	begins, orphan := x.SweepAttempts >= sweepAttemptsMax && !*f.engineCounted, f.isOrphan()
	if f.created || f.fatal != nil || f.c.state.Final() || !f.r.isExecutor(f.c) ||
		!begins && !f.due && !orphan {
		return nil
	}
	ch := unchanged(x)
	if f.due || orphan {
		ch.SweepAttempts++
	}
	if f.due {
		ch.Wake = f.r.nowMillis() + sweepBackoff(x.SweepAttempts)
	}
	if begins {
		if x.EngineAttempts >= engineAttemptsMax {
			f.fatal = &flow.Error{Name: "FnF.InternalError",
				Cause: "the execution could not be advanced: " +
					"every runner that took it up was lost or gave up"}
			return nil
		}
		ch.EngineAttempts++
	}
	f.resetCounts = true
	err := f.r.Store.Commit(f.r.ctx, x, ch)
	counted := !errors.Is(err, store.ErrConflict)
	*f.engineCounted = *f.engineCounted || begins && counted
	f.c.pickupCounted = f.c.pickupCounted || orphan && counted
	return err
}

// sweepBackoff returns how long the sweeper leaves a row alone that it has woken tries times, in
// ms: 1 min, doubled up to an hour.
func sweepBackoff(tries int) int64 {
	return min(int64(1)<<min(tries, 6), 60) * time.Minute.Milliseconds()
}

// unchanged returns a change that writes the execution as it is.
func unchanged(x *store.Execution) *store.Change {
	return &store.Change{
		Status: x.Status, Stopped: x.Stopped, Output: x.Output, Error: x.Error,
		LastEvent: x.LastEvent, LastTime: x.LastTime, Wake: x.Wake,
		SweepAttempts: x.SweepAttempts, EngineAttempts: x.EngineAttempts,
	}
}

// step steps the interpreter until it needs nothing more: no stored value and no place for a call.
func (f *transaction) step() error {
	r, c := f.r, f.c
	now := r.nowMillis()
	ev := interp.StepInput{
		At: now, Messages: f.messages(now),
		EventsMax: r.TransactionEventsMax, WorkMax: r.TransactionWorkMax,
	}
	var lease *interp.LeaseOptions // of the second step, once places are reserved
	if r.mayCall(c) {
		lease = &interp.LeaseOptions{Max: r.CallsMax - f.callsInFlight(), Owner: r.owner,
			DurationMax: r.LeaseMax.Milliseconds()}
	}
	if r.line == nil {
		ev.Lease, lease = lease, nil
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
		case lease == nil || out.More || c.state.Final():
			return nil
		default:
			if lease.Max = f.reserve(lease.Max); lease.Max == 0 {
				return nil
			}
			ev.Lease, lease = lease, nil
			if r.OnTransaction != nil {
				r.OnTransaction(c.partition, c.x.Version, r.isExecutor(c),
					interp.StepInput{At: ev.At, Lease: ev.Lease})
			}
		}
		ev.Messages = nil
		ev.EventsMax = max(1, r.TransactionEventsMax-len(f.out.Events))
		ev.WorkMax = max(1, r.TransactionWorkMax-f.out.Work)
	}
}

// addEffects adds the effects of one step of the interpreter.
func (f *transaction) addEffects(out interp.Effects) {
	f.out.Events = joined(f.out.Events, out.Events)
	f.out.Calls = joined(f.out.Calls, out.Calls)
	f.out.Replies = joined(f.out.Replies, out.Replies)
	f.out.Changed = f.out.Changed || out.Changed
	f.out.Work += out.Work
	f.out.More = out.More
}

// joined returns both lists as one; most transactions call the interpreter once.
func joined[T any](before, more []T) []T {
	if len(before) == 0 {
		return more
	}
	return append(before, more...)
}

// callsInFlight returns how many calls remain in flight after the step.
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

// interpret calls interp.Step. It recovers a panic there, a bug of the engine, because that must
// neither end the process nor affect other executions.
func (f *transaction) interpret(ev interp.StepInput) (out interp.Effects, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	m := f.c.machine
	if !f.r.isExecutor(f.c) {
		m = nil // messages alone need no machine
	}
	if err := f.takeTurn(); err != nil {
		return out, err
	}
	return interp.Step(m, &f.r.Limits, f.c.state, ev), nil
}

// messages returns the messages of the step: those of the envelopes, and those that follow from the
// leases.
func (f *transaction) messages(now int64) []interp.Message {
	r, c := f.r, f.c
	messages := make([]interp.Message, 0, len(f.envelopes)+1)
	if f.fatal != nil {
		messages = append(messages, interp.Message{Kind: interp.EngineFailed, Error: f.fatal})
	}
	for _, it := range f.envelopes {
		messages = append(messages, it.message)
	}
	if c.state.LastEvent == 0 || c.state.Final() || f.fatal != nil {
		return messages
	}
	for _, l := range c.state.Leases() {
		_, inFlight := c.calls[l.Attempt]
		switch {
		case l.Owner == r.owner && inFlight:
			if n, ok := r.leaseRenewal(l, now); ok {
				messages = append(messages, n)
			}
		case f.completes(l.Attempt):
			// An envelope completes the attempt.
		case l.Owner == r.owner, r.Exclusive, now >= l.Until+interp.LeaseMargin:
			messages = append(messages, interp.Message{
				Kind: interp.LeaseExpired, Attempt: l.Attempt, Owner: l.Owner})
		}
	}
	return messages
}

// leaseRenewal returns the message that renews the lease of a call in flight, once half of the
// lease is over.
func (r *Engine) leaseRenewal(l interp.Lease, now int64) (interp.Message, bool) {
	if r.CallTimeMax > 0 {
		return interp.Message{}, false
	}
	whole := r.LeaseMax.Milliseconds()
	until := min(now+whole, l.Deadline) + interp.LeaseMargin
	if l.Until-now > whole/2+interp.LeaseMargin || until <= l.Until {
		return interp.Message{}, false
	}
	return interp.Message{
		Kind: interp.LeaseRenewed, Attempt: l.Attempt, Owner: l.Owner, Until: until}, true
}

func (f *transaction) completes(attempt int64) bool {
	for _, it := range f.envelopes {
		if it.message.Kind == interp.CallCompleted && it.message.Attempt == attempt {
			return true
		}
	}
	return false
}
