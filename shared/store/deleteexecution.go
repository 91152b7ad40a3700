package store

import (
	"context"
	"errors"
	"strings"

	"millrace/shared/store/driver"
)

// DeletedError says that an execution has been deleted before its retention was over. It is an
// ErrNotFound to readers. A start finds the name taken: what may repeat an earlier start, such as a
// schedule, an event or a task, must not start it once more (docs/protocol.md#deleted-executions).
type DeletedError struct {
	// Execution has what is left of it: the part of the claim that decides about its name, how it
	// ended, and when.
	Execution *Execution
}

func (e *DeletedError) Error() string {
	return "store: the execution has been deleted: " + e.Execution.Partition()
}

// Is makes the error an ErrNotFound.
func (e *DeletedError) Is(target error) bool { return target == ErrNotFound }

// Deleted returns what is left of a deleted execution, from the error of loading it; nil: the error
// says something else.
func Deleted(err error) *Execution {
	var deleted *DeletedError
	if errors.As(err, &deleted) {
		return deleted.Execution
	}
	return nil
}

// DeleteExecution deletes an execution that has ended and has nothing left to deliver: one
// conditional write of the state row takes it out of the list and takes away what the row has of
// its values. PurgeExecution must remove the other rows; the sweeper finds the row at wake, ms
// since 1970, and does so if nobody else has. ErrConflict: another writer has changed the row. Any
// other error: the outcome is unknown. left is what PurgeExecution takes. After an error the caller
// must load x again.
func (s *Store) DeleteExecution(
	ctx context.Context, x *Execution, wake int64,
) (left *Execution, err error) {
	left = x.withoutValues()
	left.Deleted, left.Wake = s.nowMillis(), wake
	left.Version++
	cond := driver.Condition{Version: x.Version, Fence: x.rowAddress().fence}
	if err := s.driver.Commit(ctx, nil, left.row(), cond); err != nil {
		return nil, err
	}
	s.diskUse.add(x.Account, int64(len(left.encode())-len(x.encode())))
	return left, nil
}

// withoutValues returns what stays of a deleted execution until its retention is over.
func (x *Execution) withoutValues() *Execution {
	return &Execution{
		Account: x.Account, FlowID: x.FlowID, Flow: x.Flow, Name: x.Name, Region: x.Region,
		Run: x.Run, ClaimToken: x.ClaimToken, Origin: x.Origin, Hash: x.Hash,
		MapRun: x.MapRun, Parent: x.Parent, MapNode: x.MapNode,
		Dialect: x.Dialect, Express: x.Express, Started: x.Started, Deadline: x.Deadline,
		ListShard: x.ListShard, Version: x.Version, Expires: x.Expires, Status: x.Status,
		Stopped: x.Stopped, LastTime: x.LastTime, Redrive: x.Redrive, Redriven: x.Redriven,
	}
}

// PurgeExecution removes the rows of a deleted execution beside its state row, and then says so in
// that row. wake is when the sweeper looks at it next, ms since 1970; 0: never. Repeating it is
// harmless.
func (s *Store) PurgeExecution(ctx context.Context, x *Execution, wake int64) error {
	at := x.rowAddress()
	run, _, _ := strings.Cut(at.fence, ".")
	err := s.eachRow(ctx, at.partition, func(row driver.Row) error {
		if !belongsToRun(row.Sort, run) {
			return nil
		}
		err := s.driver.Delete(ctx, row.Key, nil)
		if err == nil {
			s.diskUse.add(x.Account, -sizeOfRow(&row))
		}
		return err
	})
	if err != nil {
		return err
	}
	done := *x
	done.Purged, done.Wake = true, wake
	done.Version++
	err = s.driver.Commit(ctx, nil, done.row(),
		driver.Condition{Version: x.Version, Fence: at.fence})
	if errors.Is(err, ErrConflict) {
		return nil // another purge was faster
	}
	return err
}

// eachRow calls f for each row of an execution's partition but the state row, in order. f may
// delete the row.
func (s *Store) eachRow(ctx context.Context, partition string, f func(driver.Row) error) error {
	for from := sortState + "\x00"; ; {
		rows, more, err := s.driver.Range(ctx,
			driver.Range{Partition: partition, From: from, Limit: s.sizes.Rows})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			if err := f(row); err != nil {
				return err
			}
		}
		if !more || len(rows) == 0 {
			return nil
		}
	}
}
