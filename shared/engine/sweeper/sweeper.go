// Package sweeper finds the rows whose wake time has come and hands them out. It keeps no state
// between sweeps: a row that was not handled, or whose handler failed, is found again.
package sweeper

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"millrace/shared/store/driver"
)

// How many due rows are read at a time, and how many are handled at once.
const (
	pageSize    = 500
	concurrency = 32
)

// Handler sees to one row. An error says that the row was not seen to.
type Handler func(ctx context.Context, row driver.DueRow) error

// Sweeper finds the due rows of a store.
type Sweeper struct {
	Driver driver.Driver
	// Shards returns the number of shards to read, which another process may have raised since the
	// sweep before.
	Shards func(ctx context.Context) (int, error)
	Log    *slog.Logger
	// Begin counts a handler in, which calls end at its end. It returns false if the process
	// closes: the sweep then ends after the handlers that have begun.
	Begin func() (end func(), ok bool)
}

// Each calls see for every row whose wake time is not after until, ms since 1970, for several at
// once. It returns when all have returned. Errors of see are logged; the error of Each is that of
// Shards or of the driver.
func (s *Sweeper) Each(ctx context.Context, until int64, see Handler) error {
	shards, err := s.Shards(ctx)
	if err != nil {
		return err
	}
	for shard := range shards {
		for cursor, more := "", true; more; more = cursor != "" {
			rows, next, err := s.Driver.Due(ctx, shard, until, cursor, pageSize)
			if err != nil {
				return err
			}
			if !s.page(ctx, rows, see) {
				return nil
			}
			cursor = next
		}
	}
	return nil
}

// page hands out the rows of a page. It returns false if the process closes.
func (s *Sweeper) page(ctx context.Context, rows []driver.DueRow, see Handler) bool {
	var handlers errgroup.Group
	handlers.SetLimit(concurrency)
	defer func() { _ = handlers.Wait() }() // no handler returns an error
	for _, row := range rows {
		end, ok := s.Begin()
		if !ok {
			return false
		}
		handlers.Go(func() error {
			defer end()
			if err := see(ctx, row); err != nil {
				s.Log.Warn("due row not handled", "partition", row.Key.Partition, "err", err)
			}
			return nil
		})
	}
	return true
}
