package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// ErrNotEnded says that an execution to redrive runs.
var ErrNotEnded = errors.New("engine: the execution has not ended")

// NotRedrivableError says why an execution that has ended cannot be redriven.
type NotRedrivableError struct{ Reason string }

func (e *NotRedrivableError) Error() string { return "engine: not redrivable: " + e.Reason }

// AnyRedrive is the count of redrives of a caller that does not know how many there were.
const AnyRedrive = -1

// redriveMargin is how long before its expiry an execution cannot be redriven any more: another
// process, whose clock is ahead, may be about to remove it. It is also for how long after the
// deadline of the new life its rows are kept at least, in case that the commit takes long.
const redriveMargin = time.Hour

// Redrive begins another life of an execution that has ended without success, and returns it
// (docs/protocol.md#redrive). count is the number of its redrives before this one: if there were
// more since, this redrive repeats one that has been made, and changes nothing. AnyRedrive: only an
// execution that runs since a redrive is taken for one that this caller has redriven. Errors:
// store.ErrNotFound, ErrNotEnded, a *NotRedrivableError, ErrExecutionsLimit, and ErrBusy if the
// caller should try again.
func (e *Engine) Redrive(
	ctx context.Context, partition string, count int,
) (*store.Execution, error) {
	x, err := e.Store.Load(ctx, partition)
	if err != nil {
		return nil, err
	}
	if made, err := e.checkRedrive(x, count); made || err != nil {
		return x, err
	}
	if !e.quota.Admit(x.Account) {
		return nil, ErrExecutionsLimit
	}
	if err := e.keepForRedrive(ctx, x); err != nil {
		e.quota.EndStart(x.Account)
		e.dropKept(ctx, partition)
		return nil, err
	}
	n := interp.Message{Kind: interp.RedriveRequested, Life: x.Redrive + 1,
		Mark: e.Store.Random(partition)}
	for tries := range updatesMax {
		if tries > 0 && !e.quota.Admit(x.Account) {
			return nil, ErrExecutionsLimit
		}
		it := &envelope{message: n, release: func() { e.quota.EndStart(x.Account) }}
		a, err := e.submitAndWait(ctx, partition, it)
		var contended *contentionError
		switch {
		case errors.As(err, &contended):
			continue // to apply it twice changes nothing
		case err != nil:
			e.dropKept(ctx, partition)
			return nil, err
		case a.stepReply.Rejection == interp.NotRedrivable:
			return nil, &NotRedrivableError{"it has no room for more history events, or its states " +
				"were not kept"}
		case a.stepReply.Rejection != interp.Accepted:
			return nil, ErrNotEnded
		}
		return a.x, nil
	}
	return nil, ErrBusy
}

// dropKept removes the rows of an execution again that was deleted while they were kept.
func (e *Engine) dropKept(ctx context.Context, partition string) {
	_, err := e.Store.Load(ctx, partition)
	left := store.Deleted(err)
	if left == nil {
		return
	}
	if err := e.Store.PurgeExecution(ctx, left, e.finalWakeTime(left.Expires)); err != nil {
		e.Log.Warn("rows of a deleted execution are left until they expire", "partition",
			left.Partition(), "err", err)
	}
}

// checkRedrive checks what the state row alone decides. made: the redrive has been made before.
func (e *Engine) checkRedrive(x *store.Execution, count int) (made bool, err error) {
	switch {
	case count >= 0 && x.Redrive > count, count < 0 && x.Redrive > 0 && !x.Status.Final():
		return true, nil
	case count >= 0 && x.Redrive < count:
		return false, &NotRedrivableError{fmt.Sprintf("it was redriven %d times, not %d",
			x.Redrive, count)}
	case x.Express:
		return false, &NotRedrivableError{"it is an Express execution"}
	case x.MapNode > 0:
		return false, &NotRedrivableError{"it is a child of a MapRun: redrive " + x.Parent}
	case !x.Status.Final():
		return false, ErrNotEnded
	case x.Status == flow.Succeeded:
		return false, &NotRedrivableError{"it has succeeded"}
	}
	now := e.nowMillis()
	if x.Stopped+e.RedriveWindow.Milliseconds() < now ||
		x.Expires-min(redriveMargin, e.Retention/2).Milliseconds() < now {
		return false, &NotRedrivableError{fmt.Sprintf("it ended more than %v ago",
			min(e.RedriveWindow, e.Retention))}
	}
	return false, nil
}

// keepForRedrive keeps what an execution needs in another life: its definition, which no flow may
// name any more, and its rows, which would expire a while after its first deadline.
func (e *Engine) keepForRedrive(ctx context.Context, x *store.Execution) error {
	var err error
	for range updatesMax {
		err = e.Store.KeepDefinition(ctx, x.FlowID, x.Hash, e.CollectDefinitionAt())
		if !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &NotRedrivableError{"its definition is not kept any more"}
	case errors.Is(err, store.ErrConflict):
		return ErrBusy
	case err != nil:
		return err
	}
	state, err := e.decodeState(x)
	if err != nil {
		return err
	}
	return e.Store.KeepRows(ctx, x, state.RowRefs(),
		e.nowMillis()+x.TimeLimit()+(e.Retention+redriveMargin).Milliseconds())
}
