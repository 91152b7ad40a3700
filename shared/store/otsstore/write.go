package otsstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
)

// Commit implements driver.Driver: it writes the puts in parallel, and then makes the conditional
// write.
func (s *Store) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, cond driver.Condition,
) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	change, err := s.rowChange(cas)
	if err != nil {
		return err
	}
	if err := s.putAll(ctx, puts); err != nil {
		return err
	}
	return s.putIf(ctx, cas.Key, change, cond)
}

// Put implements driver.Driver.
func (s *Store) Put(ctx context.Context, rows []driver.Row) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	return s.putAll(ctx, rows)
}

// claimAttemptsMax is how often a claim is tried while the existing row expires or is deleted.
const claimAttemptsMax = 4

// putIf is the write that decides. Its token shows whether the condition failed because of an
// earlier attempt of the same write, which was applied but whose response was lost.
func (s *Store) putIf(
	ctx context.Context, key driver.Key, change *tablestore.PutRowChange, cond driver.Condition,
) error {
	const op = "PutRow"
	token := newToken()
	change.AddColumn(colToken, token)
	var existing stamp
	maybe := false
	for range claimAttemptsMax {
		var possible bool
		if change.Condition, possible = conditionFor(cond, existing); !possible {
			return driver.ErrConflict
		}
		m, err := s.put(ctx, op, change)
		if maybe = maybe || m; err == nil {
			return nil
		}
		if codeOf(err) != codeCondition {
			return err
		}
		existing, err = s.stampOf(ctx, key)
		switch {
		case err != nil:
			return err
		case bytes.Equal(existing.token, token):
			return nil
		case !cond.Absent || existing.exists && !existing.expiredAt(cond.Now):
			return conflictOrUnknown(op, key, maybe)
		}
	}
	return conflictOrUnknown(op, key, maybe)
}

// conditionFor returns the condition to try if the existing row is existing. possible is false if
// no row can meet it.
func conditionFor(cond driver.Condition, existing stamp) (*tablestore.RowCondition, bool) {
	switch {
	case !cond.Absent:
		return atVersion(cond)
	case existing.exists:
		return expired(cond.Now), true
	}
	return absent(), true
}

// conflictOrUnknown returns the error of a conditional write that did not write the existing row.
func conflictOrUnknown(op string, key driver.Key, maybe bool) error {
	if maybe {
		// It may have been applied and then overwritten: only a later read can tell.
		return fmt.Errorf(
			"otsstore: %s of %q: an attempt was not answered, and another write stands there "+
				"now: outcome unknown", op, key)
	}
	return driver.ErrConflict
}

func (s *Store) put(
	ctx context.Context, op string, change *tablestore.PutRowChange,
) (maybe bool, err error) {
	return s.call(ctx, op, func(c *tablestore.TableStoreClient) error {
		_, err := c.PutRow(&tablestore.PutRowRequest{PutRowChange: change})
		return err
	})
}

// stamp is the part of a row that shows which write wrote it and when it expires.
type stamp struct {
	exists  bool
	token   []byte // nil: written without a condition
	expires int64
}

func (t stamp) expiredAt(now int64) bool { return t.expires != 0 && t.expires <= now }

// stampOf reads the stamp of a row.
func (s *Store) stampOf(ctx context.Context, key driver.Key) (stamp, error) {
	r, err := s.getRow(ctx, key, colVersion, colToken, colExpires)
	if errors.Is(err, driver.ErrNotFound) {
		return stamp{}, nil
	} else if err != nil {
		return stamp{}, err
	}
	return stamp{true, r.blob(colToken), r.number(colExpires)}, r.err
}

// Delete implements driver.Driver. With a condition, a row that is gone after an attempt without a
// response counts as deleted by that attempt.
func (s *Store) Delete(ctx context.Context, key driver.Key, cond *driver.Condition) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	if err := checkKeys(key); err != nil {
		return err
	}
	change := &tablestore.DeleteRowChange{TableName: s.o.Table, PrimaryKey: rowKey(key),
		Condition: &tablestore.RowCondition{}}
	if cond != nil {
		var possible bool
		if change.Condition, possible = conditionFor(*cond, stamp{exists: true}); !possible {
			return driver.ErrConflict
		}
	}
	return s.remove(ctx, key, change, cond != nil && cond.Absent)
}

// remove deletes a row. gone says that a missing row meets the condition.
func (s *Store) remove(
	ctx context.Context, key driver.Key, change *tablestore.DeleteRowChange, gone bool,
) error {
	const op = "DeleteRow"
	maybe, err := s.call(ctx, op, func(c *tablestore.TableStoreClient) error {
		_, err := c.DeleteRow(&tablestore.DeleteRowRequest{DeleteRowChange: change})
		return err
	})
	if codeOf(err) != codeCondition {
		return err
	}
	if !maybe && !gone {
		return driver.ErrConflict
	}
	existing, err := s.stampOf(ctx, key)
	switch {
	case err != nil:
		return err
	case !existing.exists:
		return nil
	}
	return conflictOrUnknown(op, key, maybe)
}
