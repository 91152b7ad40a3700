package runner

import (
	"context"
	"errors"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// Look takes up an execution: what a hint asks for. It returns when nothing goes on without its calls. It is a
// queue.Handler.
func (r *Runner) Look(ctx context.Context, partition string) error {
	if _, _, ok := store.ParsePartition(partition); !ok {
		r.Log.Warn("hint names no execution", "partition", partition)
		return nil
	}
	if r.closing() {
		return context.Canceled
	}
	r.submit(partition, nil)
	return nil
}

// sweepPage is how many due rows are read at a time.
const sweepPage = 500

// Sweep finds rows whose wake time has passed and sees to them (execution.md 1.7). It keeps nothing between calls.
func (r *Runner) Sweep(ctx context.Context) error {
	return r.due(ctx, r.nowMillis(), true)
}

// Resume takes up, at the start of an exclusive runner, what the process before has left: every execution that a
// call may have been in flight for.
func (r *Runner) Resume(ctx context.Context) error {
	until := r.nowMillis() + r.LeaseMax.Milliseconds() + 3*interp.LeaseMargin
	return r.due(ctx, until, false)
}

func (r *Runner) due(ctx context.Context, until int64, postpone bool) error {
	driver := r.Store.Driver()
	for shard := range driver.Shards() {
		cursor := ""
		for {
			rows, next, err := driver.Due(ctx, shard, until, cursor, sweepPage)
			if err != nil {
				return err
			}
			for _, row := range rows {
				if r.closing() {
					return nil
				}
				if err := r.wake(ctx, row, postpone); err != nil {
					r.Log.Warn("sweep", "partition", row.Key.Partition, "err", err)
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return nil
}

// wake sees to one row that is due.
func (r *Runner) wake(ctx context.Context, row store.DueRow, postpone bool) error {
	if flowID, ok := store.ParseTombstone(row.Key); ok {
		if row.Wake > r.nowMillis() {
			return nil
		}
		return r.bury(ctx, flowID, row.Key)
	}
	x, err := r.Load(ctx, row.Key.Partition)
	if errors.Is(err, store.ErrNotFound) {
		return r.Store.Forget(ctx, row.Key.Partition)
	} else if err != nil {
		return err
	}
	if !postpone {
		return r.Queue.Send(ctx, hint(row.Key.Partition, 0))
	}
	if x.Wake == 0 || x.Wake > r.nowMillis() {
		return nil
	}
	r.submit(row.Key.Partition, &item{delay: true})
	return nil
}

// graveTime is when a deleted flow's executions are stopped once more: a claim may have come after the first time.
const graveTime = 5 * time.Minute

// Bury sees to a deleted flow at once; what it does not come to the sweeper does.
func (r *Runner) Bury(flowID string) {
	r.work.Add(1)
	go func() {
		defer r.work.Done()
		if err := r.bury(r.life, flowID, store.TombstoneKey(flowID)); err != nil {
			r.Log.Warn("deleted flow", "flow", flowID, "err", err)
		}
	}()
}

// bury stops the running executions of a deleted flow, twice, and then forgets its definitions.
func (r *Runner) bury(ctx context.Context, flowID string, key store.Key) error {
	t, err := r.Store.Tombstone(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if f, err := r.Store.GetFlow(ctx, t.Account, t.Name); err == nil && f.ID == flowID {
		return r.Store.RemoveTombstone(ctx, key) // the deletion did not come to pass
	}
	if err := r.stopAll(ctx, flowID); err != nil {
		return err
	}
	if t.Round == 0 {
		t.Round++
		return r.Store.PutTombstone(ctx, flowID, t, r.nowMillis()+graveTime.Milliseconds())
	}
	return r.Store.RemoveTombstone(ctx, key)
}

func (r *Runner) stopAll(ctx context.Context, flowID string) error {
	l := store.Listing{FlowID: flowID, Limit: 100, Match: func(s store.Summary) bool { return !s.Status.Final() }}
	for {
		page, next, err := r.Store.List(ctx, l)
		if err != nil {
			return err
		}
		for _, s := range page {
			if _, err := r.Stop(ctx, s.Partition, &flow.Error{Name: flow.ErrExecutionStopped, Cause: "the flow has been deleted"}); err != nil {
				r.Log.Info("stop of a deleted flow's execution", "partition", s.Partition, "err", err)
			}
		}
		if l.Before = next; next == "" {
			return nil
		}
	}
}

// Census counts the running executions of a flow, once, at the start of an exclusive runner.
func (r *Runner) Census(ctx context.Context, account, flowID string) error {
	l := store.Listing{FlowID: flowID, Limit: 200, Match: func(s store.Summary) bool { return !s.Status.Final() }}
	for {
		page, next, err := r.Store.List(ctx, l)
		if err != nil {
			return err
		}
		r.running.add(account, int64(len(page)))
		if l.Before = next; next == "" {
			return nil
		}
	}
}
