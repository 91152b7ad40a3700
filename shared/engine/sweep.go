package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// HandleHint advances an execution, as a hint asks for. It returns when only calls of the execution
// are still going on. It is a queue.Handler.
func (r *Engine) HandleHint(ctx context.Context, partition string) error {
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

// sweepPage is how many due rows are read at a time, sweepConcurrency how many of them are woken at
// once.
const (
	sweepPage        = 500
	sweepConcurrency = 32
)

// sweepAhead is how far ahead a sweep sends hints for rows that become due. It is more than the
// time between two sweeps.
const sweepAhead = 2 * time.Minute

// Sweep wakes the rows whose wake time has passed, and sends delayed hints for those whose wake
// time comes before the next sweep (execution.md 1.7). It keeps no state between calls. It returns
// when the transactions of the due rows have run.
func (r *Engine) Sweep(ctx context.Context) error {
	return r.eachDueRow(ctx, r.nowMillis()+sweepAhead.Milliseconds(), r.wakeRow)
}

// ExclusiveLeaseMax is the longest lease of an exclusive engine, and so how far ahead Resume looks
// for calls in flight.
const ExclusiveLeaseMax = 24 * time.Hour

// defaultLease is the default of Options.LeaseMax.
const defaultLease = 10 * time.Minute

// Resume sends hints, at the start of an exclusive engine, for what an earlier process left:
// executions that wake soon, and executions with a call in flight. Such a call has no caller any
// more, however long its lease is: the earlier process may have had another LeaseMax. An error says
// that Resume should be tried again, because something may be left.
func (r *Engine) Resume(ctx context.Context) error {
	now := r.nowMillis()
	soon := now + defaultLease.Milliseconds() + 3*interp.LeaseMargin
	until := now + ExclusiveLeaseMax.Milliseconds() + 3*interp.LeaseMargin
	var left atomic.Int64
	err := r.eachDueRow(ctx, until, func(ctx context.Context, row store.DueRow) error {
		err := r.resume(ctx, row, row.Wake <= soon)
		if err != nil && !store.IsDamaged(err) {
			left.Add(1)
		}
		return err
	})
	if err == nil && left.Load() > 0 {
		err = fmt.Errorf("engine: %d executions were not taken up", left.Load())
	}
	return err
}

// resume sends a hint for an execution that wakes soon, or has a call of an earlier process.
func (r *Engine) resume(ctx context.Context, row store.DueRow, soon bool) error {
	if !isExecutionRow(row.Key) {
		return nil
	}
	if !soon {
		if left, err := r.leftInFlight(ctx, row.Key.Partition); err != nil || !left {
			return err
		}
	}
	return r.Queue.Send(ctx, newHint(row.Key.Partition, 0))
}

// leftInFlight reports whether an execution has a call that another process leased. Far more
// executions wait for something else, and each of them would need two commits for its hint
// (countEngine).
func (r *Engine) leftInFlight(ctx context.Context, partition string) (bool, error) {
	x, err := r.Store.Load(ctx, partition)
	if errors.Is(err, store.ErrNotFound) || err == nil && x.Status.Final() {
		return false, nil
	} else if err != nil {
		return false, err
	}
	s, err := r.decodeState(x)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(s.Leases(), func(l interp.Lease) bool {
		return l.Owner != r.owner
	}), nil
}

// eachDueRow calls see for every row whose wake time is not after until.
func (r *Engine) eachDueRow(
	ctx context.Context, until int64, see func(context.Context, store.DueRow) error,
) error {
	driver := r.Store.Driver()
	for shard := range driver.Shards() {
		cursor := ""
		for {
			rows, next, err := driver.Due(ctx, shard, until, cursor, sweepPage)
			if err != nil {
				return err
			}
			r.forEachRow(rows, func(row store.DueRow) {
				if err := see(ctx, row); err != nil {
					r.Log.Warn("sweep", "partition", row.Key.Partition, "err", err)
				}
			})
			if cursor = next; cursor == "" || r.closing() {
				break
			}
		}
	}
	return nil
}

// forEachRow calls see for the rows, for several at once, until the engine closes.
func (r *Engine) forEachRow(rows []store.DueRow, see func(store.DueRow)) {
	var work sync.WaitGroup
	places := make(chan struct{}, sweepConcurrency)
	for _, row := range rows {
		places <- struct{}{}
		if !r.addGoroutine() {
			break
		}
		work.Go(func() {
			defer r.goroutines.Done()
			see(row)
			<-places
		})
	}
	work.Wait()
}

// isExecutionRow reports whether hints are sent for a row: for the rows of an execution except its
// values. The sweeper alone sees to all other rows.
func isExecutionRow(k store.Key) bool {
	_, _, ok := store.ParsePartition(k.Partition)
	return ok && !store.IsValue(k)
}

// wakeRow sees to one row that is due, or will be before the next sweep.
func (r *Engine) wakeRow(ctx context.Context, row store.DueRow) error {
	now := r.nowMillis()
	if row.Wake > now {
		if !isExecutionRow(row.Key) {
			return nil
		}
		delay := time.Duration(row.Wake-now) * time.Millisecond
		return r.Queue.Send(ctx, newHint(row.Key.Partition, delay))
	}
	flowID, deleted := store.ParseTombstone(row.Key)
	switch {
	case deleted:
		return r.purgeDeletedFlow(ctx, flowID, row.Key)
	case store.IsDefinition(row.Key):
		return r.Store.CollectDefinition(ctx, row.Key, r.definitionExpiry())
	case store.IsNonce(row.Key), store.IsInvocationRecord(row.Key), store.IsValue(row.Key):
		return r.Store.DeleteExpiredRow(ctx, row.Key)
	case store.IsInboxEntry(row.Key):
		return r.wakeInboxEntry(ctx, row.Key)
	}
	x, err := r.Load(ctx, row.Key.Partition)
	if errors.Is(err, store.ErrNotFound) {
		return r.Store.DeleteExpiredExecution(ctx, row.Key.Partition)
	} else if err != nil {
		return err
	}
	if x.Wake == 0 || x.Wake > now {
		return nil
	}
	if r.AcceptOnly {
		if _, err := r.decodeState(x); err != nil {
			return err // writing the row again would make a failed read permanent
		}
		return r.bumpWake(ctx, x)
	}
	r.submit(row.Key.Partition, &envelope{due: true})
	return nil
}

// purgeDelay is when the executions of a deleted flow are stopped once more, because a start may
// have claimed a name after the first time.
const purgeDelay = 5 * time.Minute

// PurgeDeletedFlow purges a deleted flow in the background. The sweeper does what this does not get
// to.
func (r *Engine) PurgeDeletedFlow(flowID string) {
	if r.AcceptOnly || !r.addGoroutine() {
		return
	}
	go func() {
		defer r.goroutines.Done()
		if err := r.purgeDeletedFlow(r.ctx, flowID, store.TombstoneKey(flowID)); err != nil {
			r.Log.Warn("deleted flow", "flow", flowID, "err", err)
		}
	}()
}

// purgeDeletedFlow stops the running executions of a deleted flow, twice, and then deletes its
// definitions.
func (r *Engine) purgeDeletedFlow(ctx context.Context, flowID string, key store.Key) error {
	t, err := r.Store.Tombstone(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if f, err := r.Store.GetFlow(ctx, t.Account, t.Name); err == nil && f.ID == flowID {
		return r.Store.CancelDeletion(ctx, f, t)
	}
	if err := r.stopAll(ctx, flowID); err != nil {
		return err
	}
	if t.Round == 0 {
		t.Round++
		return r.Store.PutTombstone(ctx, flowID, t, r.nowMillis()+purgeDelay.Milliseconds())
	}
	return r.Store.DeleteDefinitions(ctx, flowID)
}

// stopAll stops the running executions of a flow. An error says that some may still run.
func (r *Engine) stopAll(ctx context.Context, flowID string) error {
	cause := &flow.Error{Name: flow.ErrExecutionStopped, Cause: "the flow has been deleted"}
	running := func(s store.Summary) bool { return !s.Status.Final() }
	l := store.ListOptions{FlowID: flowID, Limit: 100, Match: running}
	var failed error
	for {
		page, next, err := r.Store.List(ctx, l)
		if err != nil {
			return err
		}
		for _, s := range page {
			_, err := r.Stop(ctx, s.Partition, cause)
			if err != nil && !IsGone(err) && fault.CodeOf(err) != fault.ExecutionAlreadyCompleted {
				failed = err
			}
		}
		if l.Before = next; next == "" {
			return failed
		}
	}
}
