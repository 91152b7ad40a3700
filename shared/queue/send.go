package queue

import (
	"context"
	"errors"
	"time"
)

// BatchSender is how a service takes messages, several in a request.
type BatchSender[E any] struct {
	DelayMax    time.Duration
	Entry       func(Hint) (E, error)            // a message as the service takes it
	BatchSize   func([]E) int                    // how many of these, one at least, go into one request
	Send        func(context.Context, []E) error // makes the request
	IsPermanent func(error) bool                 // whether the error of a request is that of all others too
}

// SendAll sends messages, those of one partition as one. A message that cannot be one is an error, and so are those of a
// request that fails; the others are sent.
func (b BatchSender[E]) SendAll(ctx context.Context, hints []Hint) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := b.entries(hints)
	errs := []error{err}
	for len(entries) > 0 {
		n := b.BatchSize(entries)
		if err := b.Send(ctx, entries[:n]); err != nil {
			errs = append(errs, err)
			if ctx.Err() != nil || b.IsPermanent(err) {
				break
			}
		}
		entries = entries[n:]
	}
	return errors.Join(errs...)
}

func (b BatchSender[E]) entries(messages []Hint) (entries []E, bad error) {
	for _, m := range Merge(messages, b.DelayMax) {
		e, err := b.Entry(m)
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		entries = append(entries, e)
	}
	return entries, bad
}
