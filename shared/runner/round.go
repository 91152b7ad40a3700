package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// foldEvents is after how many events a fold commits what it has (execution.md 1.4).
const foldEvents = 200

// How often a round begins again before it waits: after a lost race, and after a commit whose outcome is not known.
const (
	conflictsMax = 8
	unknownsMax  = 3
)

// round folds items into the execution and commits. A commit that was lost and one whose outcome is not known are one
// case: load again, fold the same news again (execution.md 1.3).
func (r *Runner) round(c *cell, items []*item) {
	var broken *flow.Error
	for conflicts, unknowns := 0, 0; ; {
		err := r.fold1(c, items, broken)
		if c.on != nil {
			c.on.err = err
		}
		if err == nil {
			return
		}
		c.forget()
		for _, it := range items {
			it.tried = true
		}
		var p *panicError
		switch {
		case errors.Is(err, store.ErrNotFound):
			refuse(items, errGone)
			if c.on != nil {
				c.on.err = nil
			}
			return
		case errors.As(err, &p) && broken == nil:
			r.Log.Error("the interpreter broke; the execution fails", "partition", c.partition, "panic", p.value, "stack", string(p.stack))
			broken = &flow.Error{Name: "FnF.InternalError", Cause: "the engine broke while it advanced the execution"}
			continue
		case errors.Is(err, store.ErrBody) && broken == nil:
			broken = &flow.Error{Name: flow.ErrDataLimit, Cause: "the open states of the execution need more data than the limit allows"}
			continue
		case errors.Is(err, store.ErrConflict) && conflicts < conflictsMax:
			conflicts++
			continue
		case !lasting(err) && unknowns < unknownsMax:
			unknowns++
			continue
		}
		r.Log.Warn("commit failed", "partition", c.partition, "err", err)
		r.later(c, items, err)
		return
	}
}

// lasting tells whether trying again at once is of no use.
func lasting(err error) bool {
	var p *panicError
	for _, e := range []error{store.ErrConflict, store.ErrFull, store.ErrFormat, store.ErrMissing, store.ErrBody, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.As(err, &p)
}

// laterDelay is when news that could not be committed is brought again.
const laterDelay = time.Second

// later puts back what is not to be thrown away, results of finished calls and what became of an outgoing, and refuses
// the rest.
func (r *Runner) later(c *cell, items []*item, err error) {
	var kept []*item
	for _, it := range items {
		if it.start == nil && !it.delay && (it.news.Kind == interp.Answered || it.news.Kind == interp.Sent) {
			kept = append(kept, it)
		} else {
			refuse([]*item{it}, err)
		}
	}
	if len(kept) == 0 || !r.mayGoOn(c) {
		refuse(kept, err)
		return
	}
	on := c.on
	if on != nil {
		on.add()
	}
	time.AfterFunc(laterDelay, func() {
		for _, it := range kept {
			r.submit(c.partition, it)
		}
		if on != nil {
			on.done()
		}
	})
}

func refuse(items []*item, err error) {
	for _, it := range items {
		if it.done != nil {
			it.done(answer{err: err})
		}
	}
}

// fold1 is one try of a round. With broken the execution ends, and the items are told so.
func (r *Runner) fold1(c *cell, items []*item, broken *flow.Error) error {
	f := &fold{r: r, c: c, broken: broken}
	var starts, delays []*item
	for _, it := range items {
		switch {
		case it.start != nil:
			starts = append(starts, it)
		case it.delay:
			delays = append(delays, it)
		default:
			f.items = append(f.items, it)
		}
	}
	if len(starts) > 0 {
		var err error
		if f.created, err = r.claim(c, starts[0]); err != nil {
			return err
		}
	} else if err := r.load(c); err != nil {
		return err
	}
	f.delayed = len(delays) > 0 && c.x.Wake > 0 && c.x.Wake <= r.nowMillis()
	wasReady, wasUnsent := !f.created && c.state.Ready(), c.state.Unsent()
	if err := f.run(); err != nil {
		return err
	}
	c.more = f.out.More
	f.answer(starts, delays)
	f.follow()
	if !r.advancing(c) {
		f.pass(wasReady, wasUnsent)
	}
	return nil
}

// fold is one fold and its commit.
type fold struct {
	r       *Runner
	c       *cell
	items   []*item     // those that bring news
	created bool        // the commit claims the name
	delayed bool        // the sweeper has found the row due
	counted bool        // tries or begun stand in the row: the next commit sets them back
	broken  *flow.Error // the execution has brought its runners down too often: it ends with this
	out     interp.Effects
}

func (f *fold) run() error {
	r, c := f.r, f.c
	if c.state.Final() && len(f.items) == 0 && len(c.state.Outbox) == 0 {
		return nil
	}
	if c.machine == nil && !c.state.Final() && r.advancing(c) {
		m, err := r.machines.get(r.life, c.x)
		if err != nil {
			return err
		}
		c.machine = m
	}
	if err := f.begun(); err != nil {
		return err
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

// begun counts, before anything is folded, that a runner begins with an execution that the sweeper has found due
// again and again: a fold that takes its process down must not be tried for ever. A fold that is got through sets the
// counts back, also when it changes nothing: a row that only waits is found due whenever its wake time was earlier
// than needed, and must not pass for a broken one.
func (f *fold) begun() error {
	x := f.c.x
	f.counted = x.Tries > 0 || x.Begun > 0
	if f.created || f.broken != nil || f.c.state.Final() || !f.r.advancing(f.c) || x.Tries < triesMax && !f.delayed {
		return nil
	}
	ch := unchanged(x)
	if f.delayed {
		ch.Tries++
		ch.Wake = f.r.nowMillis() + pause(x.Tries)
	}
	if x.Tries >= triesMax {
		if x.Begun >= begunMax {
			f.broken = &flow.Error{Name: "FnF.InternalError",
				Cause: "the execution could not be advanced: every runner that took it up was lost"}
			return nil
		}
		ch.Begun++
	}
	f.counted = true
	return f.r.Store.Commit(f.r.life, x, ch)
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
	ev := interp.Event{At: now, News: f.news(now), Events: foldEvents}
	flying := f.flying()
	if r.mayCall(c) {
		ev.Take = &interp.Take{Max: r.CallsMax - flying, Owner: r.owner, LeaseMax: r.LeaseMax.Milliseconds()}
	}
	for {
		out, err := f.interpret(ev)
		if err != nil {
			return err
		}
		f.out.Events = append(f.out.Events, out.Events...)
		f.out.Calls = append(f.out.Calls, out.Calls...)
		f.out.Verdicts = append(f.out.Verdicts, out.Verdicts...)
		f.out.Changed = f.out.Changed || out.Changed
		f.out.More = out.More
		if len(out.Need) == 0 {
			return nil
		}
		if err := r.Store.LoadValues(r.life, c.x, out.Need); err != nil {
			return err
		}
		ev.News = nil
		if ev.Take != nil {
			ev.Take.Max = r.CallsMax - flying - len(f.out.Calls)
		}
	}
}

// flying is how many calls are still in flight once the items are folded.
func (f *fold) flying() int {
	n := len(f.c.calls)
	for _, it := range f.items {
		if it.news.Kind == interp.Answered {
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
func (f *fold) interpret(ev interp.Event) (out interp.Effects, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	m := f.c.machine
	if !f.r.advancing(f.c) {
		m = nil // news alone needs none
	}
	return interp.Step(m, &f.r.Limits, f.c.state, ev), nil
}

// news is what is folded: what the items bring, and what the leases say.
func (f *fold) news(now int64) []interp.News {
	r, c := f.r, f.c
	news := make([]interp.News, 0, len(f.items)+1)
	if f.broken != nil {
		news = append(news, interp.News{Kind: interp.Broken, Error: f.broken})
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
			news = append(news, interp.News{Kind: interp.LeaseOver, Attempt: l.Attempt, Owner: l.Owner})
		}
	}
	return news
}

// renewed prolongs the lease of a call in flight once half of it is over.
func (r *Runner) renewed(l interp.Lease, now int64) (interp.News, bool) {
	if r.CallMax > 0 {
		return interp.News{}, false
	}
	whole := r.LeaseMax.Milliseconds()
	until := min(now+whole, l.Deadline) + interp.LeaseMargin
	if l.Until-now > whole/2+interp.LeaseMargin || until <= l.Until {
		return interp.News{}, false
	}
	return interp.News{Kind: interp.Renewed, Attempt: l.Attempt, Owner: l.Owner, Until: until}, true
}

func (f *fold) answers(attempt int64) bool {
	for _, it := range f.items {
		if it.news.Kind == interp.Answered && it.news.Attempt == attempt {
			return true
		}
	}
	return false
}

// commit writes what the fold has made.
func (f *fold) commit() error {
	r, c := f.r, f.c
	s := c.state
	ch := &store.Change{Events: f.out.Events, Unplaced: s.Unplaced, Body: s.AppendBody, Status: s.Status, Stopped: s.Stopped,
		Output: s.Output, Error: s.Error, LastEvent: s.LastEvent, LastTime: s.LastTime, Wake: f.wake(), BodyMax: r.Limits.BodyBytes}
	if s.Final() && c.x.Stopped == 0 {
		ch.Expires = s.Stopped + r.Retention.Milliseconds()
		if len(s.Outbox) == 0 {
			ch.Wake = r.wakeAtEnd(ch.Expires)
		}
	}
	var err error
	if f.created {
		err = r.Store.Create(r.life, c.x, ch)
	} else {
		err = r.Store.Commit(r.life, c.x, ch)
	}
	if err != nil {
		return err
	}
	if s.Final() {
		c.machine = nil
	}
	if r.Exclusive {
		c.shown.Store(copyOf(c.x))
	}
	return nil
}

// readyDelay is how long a hint may take to be on its way before the sweeper looks (execution.md 1.7).
const (
	readyDelay = 30 * time.Second
	claimDelay = 120 * time.Second
)

// wake is the row's next wake time: never later than its earliest need, moved only when it must.
func (f *fold) wake() int64 {
	s, x := f.c.state, f.c.x
	now := f.r.nowMillis()
	need := s.NextDue(0)
	if s.Ready() || f.out.More {
		d := readyDelay
		if f.created {
			d = claimDelay
		}
		if t := now + d.Milliseconds(); need == 0 || t < need {
			need = t
		}
	}
	if s.Unsent() {
		if t := now + readyDelay.Milliseconds(); need == 0 || t < need {
			need = t
		}
	}
	if s.Final() && len(s.Outbox) == 0 {
		return f.r.wakeAtEnd(x.Expires)
	}
	if x.Wake > now && x.Wake <= need && !f.counted {
		return x.Wake
	}
	return max(need, now+1)
}

// wakeAtEnd is the wake time of an execution that has ended and has nothing to send: it has to be removed one day.
func (r *Runner) wakeAtEnd(expires int64) int64 {
	if r.StoreExpires {
		return 0
	}
	return expires
}

// answer tells the items what became of them.
func (f *fold) answer(starts, delays []*item) {
	var shown *store.Execution
	tell := func(it *item, a answer) {
		if it.done == nil {
			return
		}
		if shown == nil {
			if shown = f.c.shown.Load(); shown == nil {
				shown = copyOf(f.c.x)
			}
			shown = borrowed(shown)
		}
		a.x, a.tried = shown, it.tried
		it.done(a)
	}
	for i, it := range starts {
		tell(it, answer{created: f.created && i == 0 || f.c.x.Claim == it.start.claim})
	}
	for _, it := range delays {
		tell(it, answer{})
	}
	verdicts := f.out.Verdicts
	if f.broken != nil && len(verdicts) > 0 {
		verdicts = verdicts[1:]
	}
	for i, it := range f.items {
		tell(it, answer{verdict: verdicts[i]})
		if it.news.Kind == interp.Answered {
			delete(f.c.calls, it.news.Attempt)
		}
	}
}

// follow does what follows from the commit: calls, relays, hints.
func (f *fold) follow() {
	r, c := f.r, f.c
	for attempt, cancel := range c.calls {
		if c.state.Final() || !c.state.Open(attempt) {
			cancel()
			delete(c.calls, attempt)
		}
	}
	for i := range f.out.Calls {
		r.call(c, &f.out.Calls[i])
	}
	if len(c.state.Outbox) > 0 && !c.relayed && r.mayGoOn(c) {
		r.relay(c)
	}
	if f.created {
		r.running.began(c.x.Account, c.partition)
	}
	if c.state.Final() {
		if f.out.Changed {
			r.watchers.ended(c.partition)
			for _, e := range f.out.Events {
				if e.Node < 0 && e.Type != flow.ExecutionStarted {
					r.running.over(c.x.Account, c.partition)
				}
			}
		}
		return
	}
	if !r.advancing(c) {
		return
	}
	if f.out.More && r.mayGoOn(c) || f.out.Changed && c.state.Ready() && len(c.calls) < r.CallsMax && r.mayCall(c) {
		// Calls that were cut off have made room for others.
		c.again()
		return
	}
	f.remind()
}

// hintAhead is how far ahead a delayed hint makes a wake-up precise; the sweeper does what is later.
const hintAhead = 3 * time.Minute

// remind sends a delayed hint for the next timer that no call of this process watches over.
func (f *fold) remind() {
	r, c := f.r, f.c
	due := c.state.NextDue(r.owner)
	now := r.nowMillis()
	if due == 0 || due-now > hintAhead.Milliseconds() || c.hint > now && c.hint <= due {
		return
	}
	c.hint = due
	delay := time.Duration(max(due-now, 0)) * time.Millisecond
	if err := r.Queue.Send(r.life, hint(c.partition, delay)); err != nil {
		r.Log.Warn("hint not sent; the sweeper will", "partition", c.partition, "err", err)
	}
}
