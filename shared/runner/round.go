package runner

import (
	"errors"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// foldEvents is after how many events a fold commits what it has (execution.md 1.4).
const foldEvents = 200

// roundsMax is how often a round begins again after a lost race before it waits.
const roundsMax = 8

// round folds items into the execution and commits.
func (r *Runner) round(c *cell, items []*item) {
	for try := 0; ; try++ {
		err := r.fold1(c, items)
		if err == nil {
			return
		}
		c.forget()
		if errors.Is(err, store.ErrNotFound) {
			refuse(items, errGone)
			return
		}
		if errors.Is(err, store.ErrConflict) && try < roundsMax {
			continue
		}
		if errors.Is(err, store.ErrBody) && !c.oversize {
			c.oversize = true
			continue
		}
		r.Log.Warn("commit failed", "partition", c.partition, "err", err)
		r.later(c, items, err)
		return
	}
}

// later puts the results of finished calls back, since they are not to be thrown away, and refuses the rest.
func (r *Runner) later(c *cell, items []*item, err error) {
	var kept []*item
	for _, it := range items {
		if it.start == nil && !it.delay && it.news.Kind == interp.Answered {
			kept = append(kept, it)
		} else {
			refuse([]*item{it}, err)
		}
	}
	if len(kept) == 0 || r.closing() {
		return
	}
	time.AfterFunc(time.Second, func() {
		for _, it := range kept {
			r.submit(c.partition, it)
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

// fold1 is one try of a round.
func (r *Runner) fold1(c *cell, items []*item) error {
	f := &fold{r: r, c: c}
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
	if err := f.run(); err != nil {
		return err
	}
	f.answer(starts, delays)
	f.follow()
	return nil
}

// fold is one fold and its commit.
type fold struct {
	r       *Runner
	c       *cell
	items   []*item // those that bring news
	created bool    // the commit claims the name
	delayed bool    // the sweeper has found the row due
	poison  bool    // the execution has brought its runners down too often
	out     interp.Effects
}

func (f *fold) run() error {
	r, c := f.r, f.c
	if c.state.Final() && len(f.items) == 0 && len(c.state.Outbox) == 0 {
		return nil
	}
	if c.machine == nil && !c.state.Final() {
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
	if !f.out.Changed && !f.created {
		return nil
	}
	return f.commit()
}

// Bounds of what an execution may do to its runners (execution.md 1.4).
const (
	triesMax = 3
	begunMax = 5
)

// begun counts, before anything is folded, that a runner begins with an execution that the sweeper has found due
// again and again: a fold that takes its process down must not be tried for ever.
func (f *fold) begun() error {
	x := f.c.x
	if f.created || f.c.state.Final() || x.Tries < triesMax && !f.delayed {
		return nil
	}
	ch := f.unchanged()
	if f.delayed {
		ch.Tries++
		ch.Wake = f.r.nowMillis() + min(int64(1)<<min(x.Tries, 6), 60)*time.Minute.Milliseconds()
	}
	if x.Tries >= triesMax {
		if f.poison = x.Begun >= begunMax; f.poison {
			return nil
		}
		ch.Begun++
	}
	return f.r.Store.Commit(f.r.life, x, ch)
}

// unchanged is a change that changes nothing.
func (f *fold) unchanged() *store.Change {
	x := f.c.x
	return &store.Change{Status: x.Status, Stopped: x.Stopped, Output: x.Output, Error: x.Error, LastEvent: x.LastEvent,
		LastTime: x.LastTime, Wake: x.Wake, Tries: x.Tries, Begun: x.Begun}
}

// step runs the interpreter, loading what it asks for.
func (f *fold) step() error {
	r, c := f.r, f.c
	now := r.nowMillis()
	ev := interp.Event{At: now, News: f.news(now), Events: foldEvents}
	if !r.closing() {
		ev.Take = &interp.Take{Max: r.CallsMax - len(c.calls), Owner: r.owner, LeaseMax: r.LeaseMax.Milliseconds()}
	}
	limits := r.Limits
	for {
		out := interp.Step(c.machine, &limits, c.state, ev)
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
			ev.Take.Max = r.CallsMax - len(c.calls) - len(f.out.Calls)
		}
	}
}

// news is what is folded: what the items bring, and what the leases say.
func (f *fold) news(now int64) []interp.News {
	r, c := f.r, f.c
	news := make([]interp.News, 0, len(f.items))
	for _, it := range f.items {
		news = append(news, it.news)
	}
	if c.oversize {
		return append(news, interp.News{Kind: interp.Broken, Error: &flow.Error{Name: flow.ErrDataLimit,
			Cause: "the open states of the execution need more data than the limit allows"}})
	}
	if f.poison {
		return append(news, interp.News{Kind: interp.Broken, Error: &flow.Error{Name: "FnF.InternalError",
			Cause: "the execution could not be advanced: every runner that took it up was lost"}})
	}
	if c.state.LastEvent == 0 || c.state.Final() {
		return news
	}
	for _, l := range c.state.Leases() {
		_, flying := c.calls[l.Attempt]
		switch {
		case l.Owner == r.owner && flying:
			if l.Until-now < r.LeaseMax.Milliseconds()/2 {
				news = append(news, interp.News{Kind: interp.Renewed, Attempt: l.Attempt, Owner: l.Owner, Until: now + r.LeaseMax.Milliseconds() + interp.LeaseMargin})
			}
		case f.answers(l.Attempt):
			// Its answer is among the items.
		case l.Owner == r.owner, r.Exclusive, now >= l.Until+interp.LeaseMargin:
			news = append(news, interp.News{Kind: interp.LeaseOver, Attempt: l.Attempt, Owner: l.Owner})
		}
	}
	return news
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
			ch.Wake = ch.Expires
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
		return x.Expires
	}
	if x.Wake > now && x.Wake <= need {
		return x.Wake
	}
	return max(need, now+1)
}

// answer tells the items what became of them.
func (f *fold) answer(starts, delays []*item) {
	var shown *store.Execution
	tell := func(it *item, a answer) {
		if it.done == nil {
			return
		}
		if shown == nil {
			shown = copyOf(f.c.x)
		}
		a.x = shown
		it.done(a)
	}
	for i, it := range starts {
		tell(it, answer{created: f.created && i == 0 || f.c.x.Claim == it.start.claim})
	}
	for _, it := range delays {
		tell(it, answer{})
	}
	for i, it := range f.items {
		tell(it, answer{verdict: f.out.Verdicts[i]})
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
	if len(c.state.Outbox) > 0 && !c.relayed {
		r.relay(c)
	}
	if f.created {
		r.running.add(c.x.Account, 1)
	}
	if c.state.Final() {
		if f.out.Changed {
			r.watchers.ended(c.partition)
			for _, e := range f.out.Events {
				if e.Node < 0 && e.Type != flow.ExecutionStarted {
					r.running.add(c.x.Account, -1)
				}
			}
		}
		return
	}
	if f.out.More {
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
	if len(c.state.Outbox) > 0 {
		return
	}
	c.hint = due
	delay := time.Duration(max(due-now, 0)) * time.Millisecond
	if err := r.Queue.Send(r.life, hint(c.partition, delay)); err != nil {
		r.Log.Warn("hint not sent; the sweeper will", "partition", c.partition, "err", err)
	}
}
