package otsstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store"
)

// Commit implements store.Driver: the puts in parallel, then the conditional write.
func (s *Store) Commit(ctx context.Context, puts []store.Row, cas store.Row, cond store.Condition) error {
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

// claimAttemptsMax is how often a claim is tried while what stands there expires, or is cleared away.
const claimAttemptsMax = 4

// putIf is the write that decides. Its token tells whether a condition fails because of an earlier attempt of the same
// write, which was applied and not answered.
func (s *Store) putIf(ctx context.Context, key store.Key, change *tablestore.PutRowChange, cond store.Condition) error {
	const op = "PutRow"
	token := newToken()
	change.AddColumn(colToken, token)
	var there stamp
	maybe := false
	for range claimAttemptsMax {
		var possible bool
		if change.Condition, possible = conditionFor(cond, there); !possible {
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
		there, err = s.stampOf(ctx, key)
		switch {
		case err != nil:
			return err
		case bytes.Equal(there.token, token):
			return nil
		case !cond.Absent || there.exists && !there.expiredAt(cond.Now):
			return conflictOrUnknown(op, key, maybe)
		}
	}
	return conflictOrUnknown(op, key, maybe)
}

// conditionFor is the condition to try when this stands there; false when no row can meet it.
func conditionFor(cond store.Condition, there stamp) (*tablestore.RowCondition, bool) {
	switch {
	case !cond.Absent:
		return atVersion(cond)
	case there.exists:
		return expired(cond.Now), true
	}
	return absent(), true
}

// conflictOrUnknown is the answer of a conditional write that is not the one that stands there.
func conflictOrUnknown(op string, key store.Key, maybe bool) error {
	if maybe {
		// It may have been applied and then overwritten: who reads finds out.
		return fmt.Errorf("otsstore: %s of %q: an attempt was not answered, and another write stands there now: outcome unknown", op, key)
	}
	return store.ErrConflict
}

func (s *Store) put(ctx context.Context, op string, change *tablestore.PutRowChange) (maybe bool, err error) {
	return s.call(ctx, op, func(c *tablestore.TableStoreClient) error {
		out, err := c.PutRow(&tablestore.PutRowRequest{PutRowChange: change})
		if err == nil {
			s.o.Meter.used(op, out.ConsumedCapacityUnit, false)
		}
		return err
	})
}

// stamp is what of a row tells who wrote it and how long it counts.
type stamp struct {
	exists  bool
	token   []byte // nil: it was not written under a condition
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

// Delete implements store.Driver. Under a condition, a row that is gone after an attempt that was not answered counts
// as deleted by that.
func (s *Store) Delete(ctx context.Context, key store.Key, cond *store.Condition) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	if err := checkKeys(key); err != nil {
		return err
	}
	change := &tablestore.DeleteRowChange{TableName: s.o.Table, PrimaryKey: rowKey(key), Condition: &tablestore.RowCondition{}}
	if cond != nil {
		var possible bool
		if change.Condition, possible = conditionFor(*cond, stamp{exists: true}); !possible {
			return store.ErrConflict
		}
	}
	return s.remove(ctx, key, change, cond != nil && cond.Absent)
}

// remove deletes a row; gone says that one that is not there is what the condition wants.
func (s *Store) remove(ctx context.Context, key store.Key, change *tablestore.DeleteRowChange, gone bool) error {
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
	there, err := s.stampOf(ctx, key)
	switch {
	case err != nil:
		return err
	case !there.exists:
		return nil
	}
	return conflictOrUnknown(op, key, maybe)
}
