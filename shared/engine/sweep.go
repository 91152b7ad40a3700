package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"millrace/shared/engine/sweeper"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// HandleHint advances an execution, as a hint asks for. It returns after the first transaction; a
// goroutine of the engine goes on. A schedule or bulk operation that a hint names is advanced before
// it returns. It is a queue.Handler.
func (e *Engine) HandleHint(ctx context.Context, partition string) error {
	if row, key := e.rowOfHint(partition); row != nil {
		return e.handleRowHint(ctx, row, key)
	}
	if _, _, ok := store.ParsePartition(partition); !ok {
		e.Log.Warn("hint names no execution", "partition", partition)
		return nil
	}
	if e.closing() {
		return context.Canceled
	}
	e.submit(partition, nil)
	return nil
}

// sweepAhead is how far ahead a sweep sends hints for rows that become due. It is more than the
// time between two sweeps.
const sweepAhead = 2 * time.Minute

// Sweep wakes the rows whose wake time has passed, and sends delayed hints for those whose wake
// time comes before the next sweep (docs/protocol.md#sweeper). It keeps no state between calls. It
// returns when the transactions of the due rows have run.
func (e *Engine) Sweep(ctx context.Context) error {
	return e.sweeper.Each(ctx, e.nowMillis()+sweepAhead.Milliseconds(), e.wakeRow)
}

// Resume sends hints, at the start of an engine that owns its store, for what an earlier process
// left: executions that wake soon, and executions with a call in flight. Such a call has no caller
// any more, however long its lease is: the earlier process may have had another LeaseMax. An error
// says that Resume should be tried again, because something may be left.
func (e *Engine) Resume(ctx context.Context) error {
	now := e.nowMillis()
	soon := now + defaultLease.Milliseconds() + 3*interp.LeaseMargin
	until := now + ExclusiveLeaseMax.Milliseconds() + 3*interp.LeaseMargin
	var left atomic.Int64
	err := e.sweeper.Each(ctx, until, func(ctx context.Context, row driver.DueRow) error {
		err := e.resume(ctx, row, row.Wake <= soon)
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
func (e *Engine) resume(ctx context.Context, row driver.DueRow, soon bool) error {
	kind := store.KindOf(row.Key)
	if !getsHints(kind) || !soon && isTimed(kind) {
		return nil
	}
	if !soon {
		if left, err := e.leftInFlight(ctx, row.Key.Partition); err != nil || !left {
			return err
		}
	}
	delay := time.Duration(0)
	if isTimed(kind) {
		// A hint that comes too early does nothing, and a queue that merges hints would deliver none
		// at the planned time.
		delay = time.Duration(max(row.Wake-e.nowMillis(), 0)) * time.Millisecond
	}
	return e.Queue.Send(ctx, newHint(hintTarget(row.Key), delay))
}

// leftInFlight reports whether an execution has a call that another process leased. Far more
// executions wait for something else, and each of them would need two commits for its hint
// (countEngine).
func (e *Engine) leftInFlight(ctx context.Context, partition string) (bool, error) {
	x, err := e.Store.Load(ctx, partition)
	if errors.Is(err, store.ErrNotFound) || err == nil && x.Status.Final() {
		return false, nil
	} else if err != nil {
		return false, err
	}
	s, err := e.decodeState(x)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(s.Leases(), func(l interp.Lease) bool {
		return l.Owner != e.owner
	}), nil
}

// wakeShards returns the number of shards that a sweep reads. If the row that has it is damaged,
// the sweep reads all that there may be: nothing must keep what waits from being found.
func (e *Engine) wakeShards(ctx context.Context) (int, error) {
	shards, err := e.Store.WakeShards(ctx)
	if store.IsDamaged(err) {
		e.Log.Error("the number of wake shards is damaged; sweeps read them all", "err", err)
		return store.WakeShardsMax, nil
	}
	return shards, err
}

// getsHints reports whether hints are sent for rows of a kind. The sweeper alone sees to all
// others.
func getsHints(kind store.Kind) bool {
	return kind == store.ExecutionRow || kind == store.InboxEntryRow || isTimed(kind)
}

// isTimed reports whether rows of a kind are only seen to when their wake time has come.
func isTimed(kind store.Kind) bool { return kind == store.ScheduleRow || kind == store.BulkRow }

// hintTarget returns what the hint for a row names.
func hintTarget(k driver.Key) string {
	if store.KindOf(k) == store.ScheduleRow {
		return store.ScheduleHint(k)
	}
	return k.Partition
}

// wakeRow sees to one row that is due, or will be before the next sweep. Rows of a kind that this
// program does not know are left to the program that wrote them.
func (e *Engine) wakeRow(ctx context.Context, row driver.DueRow) error {
	kind := store.KindOf(row.Key)
	if left := row.Wake - e.nowMillis(); left > 0 {
		if !getsHints(kind) {
			return nil
		}
		delay := time.Duration(left) * time.Millisecond
		return e.Queue.Send(ctx, newHint(hintTarget(row.Key), delay))
	}
	if handle := e.rowHandlers[kind]; handle != nil {
		return handle(ctx, row)
	}
	return nil
}

// newRowHandlers returns what the sweeper does with due rows.
func newRowHandlers(e *Engine) map[store.Kind]sweeper.Handler {
	deleteExpired := func(ctx context.Context, row driver.DueRow) error {
		return e.Store.DeleteExpiredRow(ctx, row.Key)
	}
	return map[store.Kind]sweeper.Handler{
		store.ExecutionRow: e.wakeExecution,
		store.InboxEntryRow: func(ctx context.Context, row driver.DueRow) error {
			return e.wakeInboxEntry(ctx, row.Key)
		},
		store.TombstoneRow: func(ctx context.Context, row driver.DueRow) error {
			flowID, _ := store.ParseTombstone(row.Key)
			return e.purgeDeletedFlow(ctx, flowID, row.Key)
		},
		store.DefinitionRow: func(ctx context.Context, row driver.DueRow) error {
			return e.Store.CollectDefinition(ctx, row.Key, e.definitionExpiry())
		},
		store.FlowDetailRow: func(ctx context.Context, row driver.DueRow) error {
			return e.Store.CollectFlowDetail(ctx, row.Key)
		},
		store.ScheduleRow:         e.sweepTimed(e.scheduleRow()),
		store.BulkRow:             e.sweepTimed(e.bulkRow()),
		store.ValueRow:            deleteExpired,
		store.NonceRow:            deleteExpired,
		store.InvocationRecordRow: deleteExpired,
	}
}

// wakeExecution sees to the state row of an execution: it runs a transaction or, in functions,
// leaves that to a hint.
func (e *Engine) wakeExecution(ctx context.Context, row driver.DueRow) error {
	x, err := e.Load(ctx, row.Key.Partition)
	if left := store.Deleted(err); left != nil {
		return e.purge(ctx, left)
	} else if errors.Is(err, store.ErrNotFound) {
		return e.Store.DeleteExpiredExecution(ctx, row.Key.Partition)
	} else if err != nil {
		return err
	}
	if x.Wake == 0 || x.Wake > e.nowMillis() {
		return nil
	}
	if e.onlyAccepts() {
		if _, err := e.decodeState(x); err != nil {
			return err // writing the row again would make a failed read permanent
		}
		return e.bumpWake(ctx, x)
	}
	e.submit(row.Key.Partition, &envelope{due: true})
	return nil
}
