package runner

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

// fold is one fold and its commit.
type fold struct {
	r       *Runner
	c       *cell
	items   []*item     // those that bring news
	created bool        // the commit claims the name
	delayed bool        // the sweeper has found the row due
	counted bool        // tries or begun stand in the row: the next commit sets them back
	began   *bool       // an earlier try of the round has counted that this runner begins
	broken  *flow.Error // the execution cannot be advanced: it ends with this
	out     interp.Effects

	turn *share.Turn // held while the fold computes, nil while it waits

	places   int  // taken in the line and not given back, nor handed to calls
	heldBack bool // the account had no room for all attempts that are ready
}

func (f *fold) run() error {
	defer f.endTurn()
	r, c := f.r, f.c
	if c.state.Final() && len(f.items) == 0 && len(c.state.Outbox) == 0 {
		return nil
	}
	if f.suspected() {
		select {
		case r.alone <- struct{}{}:
			defer func() { <-r.alone }()
		case <-r.life.Done():
			return context.Canceled
		}
	}
	if err := f.begun(); err != nil {
		return err
	}
	if c.machine == nil && !c.state.Final() && f.broken == nil && r.advancing(c) {
		m, err := r.machines.get(r.errand(c.partition), c.x)
		if err != nil {
			return err
		}
		c.machine = m
	}
	if err := f.step(); err != nil {
		return err
	}
	if f.out.Changed || f.created || r.advancing(c) && (f.counted || f.early()) {
		return f.commit()
	}
	return nil
}

// early tells whether the row's wake time has come before there was any need: it is moved, or the sweeper would come
// again and again.
func (f *fold) early() bool {
	x := f.c.x
	return !f.c.state.Final() && x.Wake > 0 && x.Wake <= f.r.nowMillis()
}

// Bounds of what an execution may do to its runners (execution.md 1.4).
const (
	triesMax = 3
	begunMax = 5
)

// suspected tells whether an execution has been found due, or left behind by a process, so often that it may be what brings
// processes down. One that owns its store then takes up nothing else that is suspected with it: when it dies, that one alone
// has counted.
func (f *fold) suspected() bool { return f.r.Exclusive && !f.created && f.c.x.Tries >= triesMax }

// inherited tells whether an execution is what the process before has left, and this one has not counted yet that it takes
// it up. The owner of a store counts that as the sweeper does what it finds due: a process that dies as soon as it has
// started, of what it takes up or is told at once, never gets to its first sweep.
func (f *fold) inherited() bool { return f.r.Exclusive && !f.c.taken && f.c.x.LastTime < f.r.started }

// begun counts, before anything is folded and the definition is read, that a runner begins with an execution that the
// sweeper has found due again and again: a fold that takes its process down must not be tried for ever. A fold that is
// got through sets the counts back, also when it changes nothing: a row that only waits is found due whenever its wake
// time was earlier than needed, and must not pass for a broken one. A runner counts once for all tries of a round: that it
// has lost a race, or that the store fails for a while, is no reason to take the execution for broken either.
func (f *fold) begun() error {
	x := f.c.x
	f.counted = x.Tries > 0 || x.Begun > 0
	begins, inherited := x.Tries >= triesMax && !*f.began, f.inherited()
	if f.created || f.broken != nil || f.c.state.Final() || !f.r.advancing(f.c) || !begins && !f.delayed && !inherited {
		return nil
	}
	ch := unchanged(x)
	if f.delayed || inherited {
		ch.Tries++
	}
	if f.delayed {
		ch.Wake = f.r.nowMillis() + pause(x.Tries)
	}
	if begins {
		if x.Begun >= begunMax {
			f.broken = &flow.Error{Name: "FnF.InternalError",
				Cause: "the execution could not be advanced: every runner that took it up was lost or gave up"}
			return nil
		}
		ch.Begun++
	}
	f.counted = true
	err := f.r.Store.Commit(f.r.life, x, ch)
	counted := !errors.Is(err, store.ErrConflict)
	*f.began, f.c.taken = *f.began || begins && counted, f.c.taken || inherited && counted
	return err
}

// pause is how long the sweeper leaves an execution alone that it has seen to so often, ms: 1 min, doubled up to an hour.
func pause(tries int) int64 { return min(int64(1)<<min(tries, 6), 60) * time.Minute.Milliseconds() }

// unchanged is a change that changes nothing.
func unchanged(x *store.Execution) *store.Change {
	return &store.Change{Status: x.Status, Stopped: x.Stopped, Output: x.Output, Error: x.Error, LastEvent: x.LastEvent,
		LastTime: x.LastTime, Wake: x.Wake, Tries: x.Tries, Begun: x.Begun}
}

// step runs the interpreter, loading what it asks for.
func (f *fold) step() error {
	r, c := f.r, f.c
	now := r.nowMillis()
	ev := interp.StepInput{At: now, Messages: f.news(now), EventsMax: r.FoldEvents, WorkMax: r.FoldWork}
	var take *interp.LeaseOptions // once there are places for what is ready
	if r.mayCall(c) {
		take = &interp.LeaseOptions{Max: r.CallsMax - f.flying(), Owner: r.owner,
			DurationMax: r.LeaseMax.Milliseconds()}
	}
	if r.line == nil {
		ev.Lease, take = take, nil
	}
	if r.Folds != nil {
		r.Folds(c.partition, c.x.Version, r.advancing(c), ev)
	}
	for {
		out, err := f.interpret(ev)
		if err != nil {
			return err
		}
		f.gather(out)
		switch {
		case len(out.Need) > 0:
			f.endTurn()
			if err := r.Store.LoadValues(r.life, c.x, out.Need); err != nil {
				return err
			}
		case take == nil || out.More || c.state.Final():
			return nil
		default:
			if take.Max = f.reserve(take.Max); take.Max == 0 {
				return nil
			}
			ev.Lease, take = take, nil
			if r.Folds != nil {
				r.Folds(c.partition, c.x.Version, r.advancing(c), interp.StepInput{At: ev.At, Lease: ev.Lease})
			}
		}
		ev.Messages, ev.EventsMax, ev.WorkMax = nil, max(1, r.FoldEvents-len(f.out.Events)), max(1, r.FoldWork-f.out.Work)
	}
}

// gather adds what a part of the fold has brought.
func (f *fold) gather(out interp.Effects) {
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

// flying is how many calls are still in flight once the items are folded.
func (f *fold) flying() int {
	n := len(f.c.calls)
	for _, it := range f.items {
		if it.news.Kind == interp.CallCompleted {
			if _, ok := f.c.calls[it.news.Attempt]; ok {
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
	return fmt.Sprintf("runner: the interpreter panicked: %v", e.value)
}

// interpret is interp.Step. A panic there is a mistake of the engine, which must take down neither the process nor
// the other executions.
func (f *fold) interpret(ev interp.StepInput) (out interp.Effects, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	m := f.c.machine
	if !f.r.advancing(f.c) {
		m = nil // news alone needs none
	}
	if err := f.takeTurn(); err != nil {
		return out, err
	}
	return interp.Step(m, &f.r.Limits, f.c.state, ev), nil
}

// news is what is folded: what the items bring, and what the leases say.
func (f *fold) news(now int64) []interp.Message {
	r, c := f.r, f.c
	news := make([]interp.Message, 0, len(f.items)+1)
	if f.broken != nil {
		news = append(news, interp.Message{Kind: interp.EngineFailed, Error: f.broken})
	}
	for _, it := range f.items {
		news = append(news, it.news)
	}
	if c.state.LastEvent == 0 || c.state.Final() || f.broken != nil {
		return news
	}
	for _, l := range c.state.Leases() {
		_, flying := c.calls[l.Attempt]
		switch {
		case l.Owner == r.owner && flying:
			if n, ok := r.renewed(l, now); ok {
				news = append(news, n)
			}
		case f.answers(l.Attempt):
			// Its answer is among the items.
		case l.Owner == r.owner, r.Exclusive, now >= l.Until+interp.LeaseMargin:
			news = append(news, interp.Message{Kind: interp.LeaseExpired, Attempt: l.Attempt, Owner: l.Owner})
		}
	}
	return news
}

// renewed prolongs the lease of a call in flight once half of it is over.
func (r *Runner) renewed(l interp.Lease, now int64) (interp.Message, bool) {
	if r.CallMax > 0 {
		return interp.Message{}, false
	}
	whole := r.LeaseMax.Milliseconds()
	until := min(now+whole, l.Deadline) + interp.LeaseMargin
	if l.Until-now > whole/2+interp.LeaseMargin || until <= l.Until {
		return interp.Message{}, false
	}
	return interp.Message{Kind: interp.LeaseRenewed, Attempt: l.Attempt, Owner: l.Owner, Until: until}, true
}

func (f *fold) answers(attempt int64) bool {
	for _, it := range f.items {
		if it.news.Kind == interp.CallCompleted && it.news.Attempt == attempt {
			return true
		}
	}
	return false
}
