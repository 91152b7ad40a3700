package runner

import (
	"context"
	"errors"
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
		err := r.try(c, items, broken)
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

// try is one try of a round. With broken the execution ends, and the items are told so.
func (r *Runner) try(c *cell, items []*item, broken *flow.Error) error {
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
