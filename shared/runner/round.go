package runner

import (
	"context"
	"errors"
	"slices"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// foldEvents is after how many events, and foldWork after how much work, a fold commits what it has
// (execution.md 1.4): news that has come meanwhile, a stop above all, is folded before the
// execution goes on. So much work takes some 10 ms, and 100 ms where a flow seeks what is slow, the
// last transition included.
const (
	foldEvents = 200
	foldWork   = 100_000
)

// How often a round begins again before it waits: after a lost race, and after a commit whose outcome is not known.
const (
	conflictsMax = 8
	unknownsMax  = 3
)

// round folds items into the execution and commits. A commit that was lost and one whose outcome is not known are one
// case: load again, fold the same news again (execution.md 1.3).
// News from outside that has lost so often is given back, for the inbox; the rest goes on. look says that there is
// something to do without any news, too.
func (r *Runner) round(c *cell, items []*item, look bool) {
	var broken *flow.Error
	began := false
	for conflicts, unknowns := 0, 0; ; {
		err := r.try(c, items, broken, &began)
		if c.on != nil {
			c.on.err = err
		}
		if err == nil {
			return
		}
		c.forget()
		for _, it := range items {
			it.tried = true
			it.lost++
		}
		if outrun(err) {
			if items = r.giveBack(c, items, err); len(items) == 0 && !look {
				return
			}
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
		var refused *share.Refusal
		// The store has logged a full disk, and a refusal is for the account: no line for each request.
		if !errors.Is(err, store.ErrFull) && !errors.As(err, &refused) {
			r.Log.Warn("commit failed", "partition", c.partition, "err", err)
		}
		r.later(c, items, err)
		return
	}
}

// outrun tells whether others were faster, or may have been.
func outrun(err error) bool {
	return errors.Is(err, store.ErrConflict) || !lasting(err) && !errors.Is(err, store.ErrNotFound)
}

// lasting tells whether trying again at once is of no use.
func lasting(err error) bool {
	var p *panicError
	for _, e := range []error{store.ErrConflict, store.ErrFull, store.ErrFormat, store.ErrMissing, store.ErrBody, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	var refused *share.Refusal
	return errors.As(err, &p) || errors.As(err, &refused)
}

// outsideMax is how often a commit of news from outside is tried before it goes to the inbox, and jitter the longest
// pause after the first one that was lost; it doubles.
const (
	outsideMax = 3
	jitter     = 10 * time.Millisecond
)

// giveBack refuses news from outside that has lost the race too often, and gives the rest. What is all from outside waits
// a moment before it tries again: so do the others that it has lost to.
func (r *Runner) giveBack(c *cell, items []*item, err error) []*item {
	kept := items[:0:0]
	outside, lost := true, 0
	for _, it := range items {
		if it.outside() && it.lost >= outsideMax {
			refuse([]*item{it}, &outrunError{err})
			continue
		}
		kept = append(kept, it)
		outside, lost = outside && it.outside(), max(lost, it.lost)
	}
	if outside && len(kept) > 0 && !r.Exclusive {
		most := jitter << min(lost-1, 3)
		r.pause(time.Duration(r.Store.Random(c.partition) % uint64(most)))
	}
	return kept
}

// pause waits, but not beyond the runner's life.
func (r *Runner) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.life.Done():
	}
}

// outrunError says that news has lost the race for the state row, or may have, as often as it may.
type outrunError struct{ last error }

func (e *outrunError) Error() string {
	return "runner: others were faster each time: " + e.last.Error()
}

func (e *outrunError) Unwrap() error { return e.last }

// News that could not be committed is brought again after laterDelay. The pause doubles, up to laterMax, where time does
// not mend what is wrong.
const (
	laterDelay = time.Second
	laterMax   = time.Hour
)

// later puts back what is not to be thrown away, results of finished calls, calls that are given back and what became of
// an outgoing, and refuses the rest.
func (r *Runner) later(c *cell, items []*item, err error) {
	var kept []*item
	for _, it := range items {
		if it.start == nil && (it.news.Kind == interp.CallCompleted || it.news.Kind == interp.Delivered ||
			it.news.Kind == interp.CallReturned && !r.retiring()) {
			kept = append(kept, it)
		} else {
			refuse([]*item{it}, err)
		}
	}
	on, delay := c.on, putOff(kept, err)
	inTime := on == nil || r.nowMillis()+delay.Milliseconds() <= on.end
	if len(kept) == 0 || !inTime || !r.mayGoOn(c) || !r.enter() {
		refuse(kept, err)
		return
	}
	if on != nil {
		on.add()
	}
	go func() {
		defer r.work.Done()
		if on != nil {
			defer on.done()
		}
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.closed: // once more, while there is time
		}
		for _, it := range kept {
			r.submit(c.partition, it)
		}
	}()
}

// putOff returns how long items wait that a round has failed with, and counts it.
func putOff(items []*item, err error) time.Duration {
	if !broken(err) {
		return laterDelay
	}
	most := 0
	for _, it := range items {
		most = max(most, it.late)
		it.late++
	}
	return min(laterDelay<<min(most, 20), laterMax)
}

// broken reports whether an error stays until another program comes, or other rows.
func broken(err error) bool {
	var p *panicError
	return errors.As(err, &p) || errors.Is(err, store.ErrFormat) || errors.Is(err, store.ErrMissing)
}

func refuse(items []*item, err error) {
	for _, it := range items {
		if it.done != nil {
			it.done(answer{err: err})
		}
	}
}

func isDelay(it *item) bool { return it.delay }

// try is one try of a round. With broken the execution ends, and the items are told so.
func (r *Runner) try(c *cell, items []*item, broken *flow.Error, began *bool) error {
	f := &fold{r: r, c: c, broken: broken, began: began}
	var starts, delays []*item
	letters := false
	for _, it := range items {
		switch {
		case it.start != nil:
			starts = append(starts, it)
		case it.delay, it.turn:
			delays = append(delays, it)
		case it.inbox:
			letters = true
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
	if letters && r.Exclusive {
		var err error
		if c.inbox, err = r.Store.Inbox(r.life, c.x); err != nil {
			return err
		}
	}
	f.open(&c.inbox)
	for _, it := range f.items {
		c.state.ResolveAttempt(&it.news)
	}
	f.delayed = slices.ContainsFunc(delays, isDelay) && c.x.Wake > 0 && c.x.Wake <= r.nowMillis()
	wasReady, wasUnsent := !f.created && c.state.Ready(), c.state.Unsent()
	if err := f.run(); err != nil {
		f.unreserve(0)
		return err
	}
	f.unreserve(len(f.out.Calls))
	c.taken, c.more, c.held = true, f.out.More, f.heldBack
	f.answer(starts, delays)
	f.follow()
	r.dispose(c)
	if !r.advancing(c) {
		f.pass(wasReady, wasUnsent)
	}
	return nil
}
