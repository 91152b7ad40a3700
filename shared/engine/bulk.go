package engine

import (
	"context"
	"errors"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// How a bulk operation proceeds.
const (
	// bulkBatchMax is how many executions one batch has at most.
	bulkBatchMax = 100
	// bulkLease is how long a process may act on a batch before others take it up.
	bulkLease = time.Minute
	// bulkPassMin and bulkPassMax bound the time between two looks at the executions whose ends a
	// bulk operation waits for.
	bulkPassMin = 5 * time.Second
	bulkPassMax = 10 * time.Minute
	// bulkScanMax is how many pages of the list one decision reads.
	bulkScanMax = 20
	// bulkPage is how many results one look reads.
	bulkPage = 200
)

// HintBulk sends a hint for a bulk operation that was written, if its wake time comes soon.
func (e *Engine) HintBulk(b *store.BulkOperation) {
	if left := b.Wake - e.nowMillis(); left <= hintDelayMax.Milliseconds() {
		e.sendHint(b.Key().Partition, time.Duration(max(left, 0))*time.Millisecond)
	}
}

// wakeBulk advances a bulk operation that may be due (docs/protocol.md#bulk-operations).
func (e *Engine) wakeBulk(ctx context.Context, key driver.Key) error {
	b, err := e.Store.GetBulk(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	left := b.Wake - e.nowMillis()
	if left > earlyHint.Milliseconds() {
		return nil
	} else if left > 0 {
		e.HintBulk(b)
		return nil
	}
	err = e.advanceBulk(ctx, b)
	if errors.Is(err, store.ErrConflict) {
		return nil // another process advances it, or a request has changed it: it has hinted
	}
	return err
}

// advanceBulk does what a due bulk operation needs next: a batch of executions, a look at those
// that it has started, or its removal. It returns ErrConflict if the operation has been changed
// since it was read.
func (e *Engine) advanceBulk(ctx context.Context, b *store.BulkOperation) error {
	f, err := e.Store.GetFlow(ctx, b.Account, b.Flow)
	if errors.Is(err, store.ErrNotFound) || err == nil && f.ID != b.FlowID {
		return e.Store.DeleteBulk(ctx, b)
	} else if err != nil {
		return err
	}
	switch b.Phase {
	case store.BulkActs:
		return e.actInBulk(ctx, f, b)
	case store.BulkWaits:
		return e.passBulk(ctx, b)
	case store.BulkEnded:
		return e.Store.DeleteBulk(ctx, b)
	}
	return store.ErrFormat
}

// actInBulk decides on a batch of executions, acts on them, and counts the results. The decision is
// written first, so that a process that goes on after another one acts on the same executions, and
// on the same lives of them. A batch that another process has left is acted on again; its results
// say what was done.
func (e *Engine) actInBulk(ctx context.Context, f *store.Flow, b *store.BulkOperation) error {
	if len(b.Batch) == 0 && !b.StopRequested {
		if err := e.decideBatch(ctx, f, b); err != nil {
			return err
		}
	}
	if len(b.Batch) == 0 {
		if b.Wake = e.nowMillis(); b.StopRequested || e.isBulkDecided(b) {
			b.Phase = store.BulkWaits
		}
		return e.writeBulk(ctx, b)
	}
	b.Wake = e.nowMillis() + bulkLease.Milliseconds()
	if err := e.Store.UpdateBulk(ctx, b); err != nil {
		return err
	}
	for _, item := range b.Batch {
		result, err := e.actOnItem(ctx, f, b, item)
		if err != nil {
			return err
		}
		b.Counts.Add(result)
	}
	pause := int64(len(b.Batch)) * 1000 / int64(max(b.Rate, 1))
	b.Batch, b.Wake = nil, e.nowMillis()+pause
	err := e.writeBulk(ctx, b)
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	now, err := e.Store.GetBulk(ctx, b.Key())
	if err != nil || now.ID != b.ID || now.Version != b.Version+1 || !now.StopRequested {
		return err
	}
	// A request has stopped the operation meanwhile, and changed nothing else.
	b.Version, b.StopRequested = now.Version, true
	return e.writeBulk(ctx, b)
}

// isBulkDecided reports whether all executions of a bulk operation have been decided on.
func (e *Engine) isBulkDecided(b *store.BulkOperation) bool {
	if len(b.Names) > 0 {
		return b.Done >= len(b.Names)
	}
	return b.Before == bulkListEnd
}

// writeBulk writes a bulk operation, and sends a hint for its wake time.
func (e *Engine) writeBulk(ctx context.Context, b *store.BulkOperation) error {
	if err := e.Store.UpdateBulk(ctx, b); err != nil {
		return err
	}
	e.HintBulk(b)
	return nil
}

// decideBatch chooses the next executions; none: there are no more, or a long part of the list has
// none. It takes from a filter only those that the operation applies to now; of names it takes all,
// so that each gets a result.
func (e *Engine) decideBatch(ctx context.Context, f *store.Flow, b *store.BulkOperation) error {
	limit := min(max(b.Rate, 1), bulkBatchMax)
	if len(b.Names) > 0 {
		for ; len(b.Batch) < limit && b.Done < len(b.Names); b.Done++ {
			item, _, err := e.bulkItem(ctx, b, b.Names[b.Done])
			if err != nil {
				return err
			}
			b.Batch = append(b.Batch, item)
		}
		return nil
	}
	for range bulkScanMax {
		if len(b.Batch) > 0 || b.Before == bulkListEnd {
			break
		}
		page, next, err := e.Store.List(ctx, store.ListOptions{FlowID: f.ID, Shards: f.ListShards,
			Before: b.Before, Begin: b.Filter.Begin, End: b.Filter.End, Limit: limit,
			Match: b.Filter.Matches})
		if err != nil {
			return err
		}
		if b.Before = next; next == "" {
			b.Before = bulkListEnd
		}
		for _, found := range page {
			item, x, err := e.bulkItem(ctx, b, found.Name)
			if err != nil {
				return err
			}
			if x != nil && AppliesTo(b.Operation, x.Status) {
				b.Batch = append(b.Batch, item)
			}
		}
	}
	return nil
}

// bulkListEnd is Before when the whole list has been looked at. It is no place in the list.
const bulkListEnd = "end"

// bulkItem returns the life that an execution has now, and the execution; nil: there is none.
func (e *Engine) bulkItem(
	ctx context.Context, b *store.BulkOperation, name string,
) (store.BulkItem, *store.Execution, error) {
	x, err := e.Store.Load(ctx, store.Partition(b.FlowID, name))
	switch {
	case errors.Is(err, store.ErrNotFound) || store.IsDamaged(err):
		return store.BulkItem{Name: name}, nil, nil
	case err != nil:
		return store.BulkItem{}, nil, err
	}
	return store.BulkItem{Name: name, Run: x.Run, Redrive: x.Redrive}, x, nil
}

// BulkOperations are the operations of the API that a bulk operation can apply.
var BulkOperations = []string{"StopExecution", "StartExecution", "RedriveExecution",
	"DeleteExecution"}

// BulkAppliesTo says which executions an operation of bulks takes from a filter.
func BulkAppliesTo(operation string) string {
	switch operation {
	case "StopExecution":
		return "executions that run"
	case "StartExecution", "DeleteExecution":
		return "executions that have ended"
	case "RedriveExecution":
		return "executions that have failed, timed out or were stopped"
	}
	return ""
}

// AppliesTo reports whether an operation of bulks can be accepted for an execution with a status.
// A filter is narrowed to those.
func AppliesTo(operation string, status flow.Status) bool {
	switch operation {
	case "StopExecution":
		return status == flow.Running
	case "StartExecution", "DeleteExecution":
		return status.Final()
	case "RedriveExecution":
		return status.Final() && status != flow.Succeeded
	}
	return false
}

// passBulk looks at a page of the results: it finds out which of the executions that the operation
// has started have ended, and counts all results anew. When a pass has seen them all, its counts
// are those of the operation, and if nothing is open, the operation has ended.
func (e *Engine) passBulk(ctx context.Context, b *store.BulkOperation) error {
	page, more, err := e.Store.BulkResults(ctx, b.Key(), b.Seen, bulkPage)
	if err != nil {
		return err
	}
	for _, r := range page {
		if err := e.watchBulkResult(ctx, b, r); err != nil {
			return err
		}
		b.Pass.Add(r)
		b.Seen = r.Name
	}
	now := e.nowMillis()
	b.Wake = now
	if !more {
		b.Counts, b.Pass, b.Seen = b.Pass, store.BulkCounts{}, ""
		b.Wake = now + bulkPassPause(now-b.Created)
		if b.Counts.Open() == 0 {
			b.Phase, b.Ended, b.Wake = store.BulkEnded, now, now+e.Retention.Milliseconds()
		}
	}
	return e.writeBulk(ctx, b)
}

// bulkPassPause returns how long to wait before the next pass, in ms: longer, the longer the
// operation lasts.
func bulkPassPause(age int64) int64 {
	return min(max(age/4, bulkPassMin.Milliseconds()), bulkPassMax.Milliseconds())
}

// watchBulkResult looks whether the execution of an accepted result has ended, and writes that
// down.
func (e *Engine) watchBulkResult(
	ctx context.Context, b *store.BulkOperation, r *store.BulkResult,
) error {
	if r.Code != "" || r.Status != 0 {
		return nil
	}
	name := r.Target
	if name == "" {
		name = r.Name
	}
	x, err := e.Store.Load(ctx, store.Partition(b.FlowID, name))
	if left := store.Deleted(err); left != nil {
		x, err = left, nil
	}
	switch {
	case errors.Is(err, store.ErrNotFound) || store.IsDamaged(err):
		r.Status = flow.Stopped // nobody will ever know more of it
	case err != nil:
		return err
	case !x.Status.Final():
		return nil
	default:
		r.Status = x.Status
	}
	return e.Store.PutBulkResult(ctx, b.Key(), r)
}
