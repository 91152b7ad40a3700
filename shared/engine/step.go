package engine

import (
	"fmt"
	"runtime/debug"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// leaseOptions returns what the step may lease; nil: no calls may begin.
func (t *transaction) leaseOptions() *interp.LeaseOptions {
	e, m := t.engine, t.mailbox
	if !e.mayCall(m) {
		return nil
	}
	return &interp.LeaseOptions{Max: e.CallsMax - t.callsInFlight(), Owner: e.owner,
		DurationMax: e.leases.duration.Milliseconds()}
}

// step steps the interpreter until it needs nothing more: no stored value and no place for a call.
// Without a machine it only takes the messages.
func (t *transaction) step(machine *flow.Machine, lease *interp.LeaseOptions) error {
	e, m := t.engine, t.mailbox
	now := e.nowMillis()
	ev := interp.StepInput{
		At: now, Messages: t.messages(now),
		EventsMax: e.TransactionEventsMax, WorkMax: e.TransactionWorkMax,
	}
	if e.line == nil { // otherwise places are reserved first, for a second step
		ev.Lease, lease = lease, nil
	}
	if e.OnTransaction != nil {
		e.OnTransaction(m.partition, m.x.Version, m.work != nil, ev)
	}
	for {
		out, err := t.interpret(machine, ev)
		if err != nil {
			return err
		}
		t.addEffects(out)
		switch {
		case len(out.Need) > 0:
			t.endTurn()
			if err := e.Store.LoadValues(e.ctx, m.x, out.Need); err != nil {
				return err
			}
		case lease == nil || out.More || m.state.Final():
			return nil
		default:
			if lease.Max = t.reserve(lease.Max); lease.Max == 0 {
				return nil
			}
			ev.Lease, lease = lease, nil
			if e.OnTransaction != nil {
				e.OnTransaction(m.partition, m.x.Version, m.work != nil,
					interp.StepInput{At: ev.At, Lease: ev.Lease})
			}
		}
		ev.Messages = nil
		ev.EventsMax = max(1, e.TransactionEventsMax-len(t.out.Events))
		ev.WorkMax = max(1, e.TransactionWorkMax-t.out.Work)
	}
}

// addEffects adds the effects of one step of the interpreter.
func (t *transaction) addEffects(out interp.Effects) {
	t.out.Events = joined(t.out.Events, out.Events)
	t.out.Calls = joined(t.out.Calls, out.Calls)
	t.out.Replies = joined(t.out.Replies, out.Replies)
	t.out.Changed = t.out.Changed || out.Changed
	t.out.Work += out.Work
	t.out.More = out.More
}

// joined returns both lists as one; most transactions call the interpreter once.
func joined[T any](before, more []T) []T {
	if len(before) == 0 {
		return more
	}
	return append(before, more...)
}

// callsInFlight returns how many calls remain in flight after the step.
func (t *transaction) callsInFlight() int {
	n := len(t.mailbox.calls)
	for _, it := range t.envelopes {
		if it.message.Kind == interp.CallCompleted {
			if _, ok := t.mailbox.calls[it.message.Attempt]; ok {
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
func (t *transaction) interpret(
	machine *flow.Machine, ev interp.StepInput,
) (out interp.Effects, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	if err := t.takeTurn(); err != nil {
		return out, err
	}
	return interp.Step(machine, &t.engine.Limits, t.mailbox.state, ev), nil
}

// messages returns the messages of the step: those of the envelopes, and those that follow from the
// leases.
func (t *transaction) messages(now int64) []interp.Message {
	e, m := t.engine, t.mailbox
	messages := make([]interp.Message, 0, len(t.envelopes)+1)
	fatal := interp.Message{Kind: interp.EngineFailed, Error: t.fatal}
	if t.fatal != nil && !t.redrives() {
		messages = append(messages, fatal)
	}
	for _, it := range t.envelopes {
		messages = append(messages, it.message)
	}
	if t.fatal != nil && t.redrives() { // it ends the life that cannot be advanced
		messages = append(messages, fatal)
	}
	if m.state.LastEvent == 0 || m.state.Final() || t.fatal != nil {
		return messages
	}
	for _, l := range m.state.Leases() {
		_, inFlight := m.calls[l.Attempt]
		switch {
		case l.Owner == e.owner && inFlight:
			if n, ok := e.leases.renewal(l, now); ok {
				messages = append(messages, n)
			}
		case t.completes(l.Attempt):
			// An envelope completes the attempt.
		case l.Owner == e.owner:
			// The response to the commit that leased it was lost, so its call has not been made.
			messages = append(messages, interp.Message{
				Kind: interp.CallReturned, Attempt: l.Attempt, Owner: l.Owner})
		case e.leases.lost(l, now):
			messages = append(messages, interp.Message{
				Kind: interp.LeaseExpired, Attempt: l.Attempt, Owner: l.Owner})
		}
	}
	return messages
}

func (t *transaction) completes(attempt int64) bool {
	for _, it := range t.envelopes {
		if it.message.Kind == interp.CallCompleted && it.message.Attempt == attempt {
			return true
		}
	}
	return false
}
