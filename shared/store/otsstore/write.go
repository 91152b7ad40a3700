package otsstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store"
)

// Commit implements store.Driver: it writes the puts in parallel, and then makes the conditional
// write.
func (s *Store) Commit(
	ctx context.Context, puts []store.Row, cas store.Row, cond store.Condition,
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

// Put implements store.Driver.
func (s *Store) Put(ctx context.Context, rows []store.Row) error {
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
	ctx context.Context, key store.Key, change *tablestore.PutRowChange, cond store.Condition,
) error {
	const op = "PutRow"
	token := newToken()
	change.AddColumn(colToken, token)
	var existing stamp
	maybe := false
	for range claimAttemptsMax {
		var possible bool
		if change.Condition, possible = conditionFor(cond, existing); !possible {
			return store.ErrConflict
		}
		m, err := s.put(ctx, op, change)
		if maybe = maybe || m; err == nil {
			return nil
		}
		if codeOf(err) != codeCondition {
			return err
		}
		s.o.Meter.conditionFailed(op)
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
func conditionFor(cond store.Condition, existing stamp) (*tablestore.RowCondition, bool) {
	switch {
	case !cond.Absent:
		return atVersion(cond)
	case existing.exists:
		return expired(cond.Now), true
	}
	return absent(), true
}

// conflictOrUnknown returns the error of a conditional write that did not write the existing row.
func conflictOrUnknown(op string, key store.Key, maybe bool) error {
	if maybe {
		// It may have been applied and then overwritten: only a later read can tell.
		return fmt.Errorf(
			"otsstore: %s of %q: an attempt was not answered, and another write stands there "+
				"now: outcome unknown", op, key)
	}
	return store.ErrConflict
}

func (s *Store) put(
	ctx context.Context, op string, change *tablestore.PutRowChange,
) (maybe bool, err error) {
	return s.call(ctx, op, func(c *tablestore.TableStoreClient) error {
		out, err := c.PutRow(&tablestore.PutRowRequest{PutRowChange: change})
		if err == nil {
			s.o.Meter.used(op, out.ConsumedCapacityUnit, false)
		}
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
func (s *Store) stampOf(ctx context.Context, key store.Key) (stamp, error) {
	r, err := s.getRow(ctx, key, colVersion, colToken, colExpires)
	if errors.Is(err, store.ErrNotFound) {
		return stamp{}, nil
	} else if err != nil {
		return stamp{}, err
	}
	return stamp{true, r.blob(colToken), r.number(colExpires)}, r.err
}

// Delete implements store.Driver. With a condition, a row that is gone after an attempt without a
// response counts as deleted by that attempt.
func (s *Store) Delete(ctx context.Context, key store.Key, cond *store.Condition) error {
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
			return store.ErrConflict
		}
	}
	return s.remove(ctx, key, change, cond != nil && cond.Absent)
}

// remove deletes a row. gone says that a missing row meets the condition.
func (s *Store) remove(
	ctx context.Context, key store.Key, change *tablestore.DeleteRowChange, gone bool,
) error {
	const op = "DeleteRow"
	maybe, err := s.call(ctx, op, func(c *tablestore.TableStoreClient) error {
		out, err := c.DeleteRow(&tablestore.DeleteRowRequest{DeleteRowChange: change})
		if err == nil {
			s.o.Meter.used(op, out.ConsumedCapacityUnit, false)
		}
		return err
	})
	if codeOf(err) != codeCondition {
		return err
	}
	s.o.Meter.conditionFailed(op)
	if !maybe && !gone {
		return store.ErrConflict
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
