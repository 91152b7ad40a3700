package engine

import (
	"context"
	"time"

	"millrace/shared/engine/sweeper"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// timedRow is a row that is advanced when its time has come: of a schedule or of a bulk operation.
type timedRow struct {
	what string // for the log
	wake func(ctx context.Context, key driver.Key) error
}

func (e *Engine) scheduleRow() *timedRow { return &timedRow{"schedule", e.wakeSchedule} }

func (e *Engine) bulkRow() *timedRow { return &timedRow{"bulk operation", e.wakeBulk} }

// rowOfHint returns the timed row that a hint names; nil: it names none.
func (e *Engine) rowOfHint(hint string) (*timedRow, driver.Key) {
	if key, ok := store.ParseScheduleHint(hint); ok {
		return e.scheduleRow(), key
	}
	if key, ok := store.ParseBulkHint(hint); ok {
		return e.bulkRow(), key
	}
	return nil, driver.Key{}
}

// handleRowHint advances the row that a hint names.
func (e *Engine) handleRowHint(ctx context.Context, row *timedRow, key driver.Key) error {
	end, ok := e.beginGoroutine()
	if !ok {
		return context.Canceled
	}
	defer end()
	err := row.wake(ctx, key)
	if store.IsDamaged(err) {
		e.Log.Error("a "+row.what+" is damaged", "key", key.Sort, "partition", key.Partition,
			"err", err)
		return nil
	}
	return err
}

// sweepTimed returns what the sweeper does with due rows of a kind. In functions it leaves them to
// a step runner: the sweeper does not know what authors may do.
func (e *Engine) sweepTimed(timed *timedRow) sweeper.Handler {
	return func(ctx context.Context, row driver.DueRow) error {
		if !e.onlyAccepts() {
			return timed.wake(ctx, row.Key)
		}
		if !hintsAgain(time.Duration(e.nowMillis()-row.Wake) * time.Millisecond) {
			return nil
		}
		return e.Queue.Send(ctx, newHint(hintTarget(row.Key), 0))
	}
}

// hintsAgain reports whether a sweep sends a hint for a row that has been due for some time:
// after 1, 2, 4 … 64 minutes and then once an hour, so that an outage of the step runner does not
// become a flood of hints. Each comes in two sweeps, because sweeps may be two minutes apart.
func hintsAgain(due time.Duration) bool {
	minutes := int64(due / time.Minute)
	for _, n := range [...]int64{minutes, minutes - 1} {
		if n < 2 || n&(n-1) == 0 || n%60 == 0 {
			return true
		}
	}
	return false
}
