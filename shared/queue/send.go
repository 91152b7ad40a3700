package queue

import (
	"context"
	"errors"
	"time"
)

// BatchSender sends hints to a service that accepts several messages in a request.
type BatchSender[E any] struct {
	DelayMax time.Duration
	Entry    func(Hint) (E, error) // converts a hint to the service's message
	// BatchSize returns how many of these entries go into one request, at least one.
	BatchSize func([]E) int
	Send      func(context.Context, []E) error // makes the request
	// IsPermanent reports whether a request's error would be the same for all others
	IsPermanent func(error) bool
}

// SendAll sends hints, after merging those of one partition. It continues after a hint that cannot
// be encoded and after a failed request, unless that error is permanent or ctx is done. It returns
// all errors.
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

func (b BatchSender[E]) entries(hints []Hint) (entries []E, bad error) {
	for _, m := range Merge(hints, b.DelayMax) {
		e, err := b.Entry(m)
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		entries = append(entries, e)
	}
	return entries, bad
}
