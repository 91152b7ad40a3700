package store

import (
	"context"
	"encoding/json"
	"strings"
)

// Tombstone is the row of a flow that is being deleted: its wake time brings the sweeper, which stops what still
// runs (execution.md finding 25).
type Tombstone struct {
	Account string
	Name    string
	Round   int // times that the running executions have been stopped
}

const sortTombstone = "deleted"

// ParseTombstone gives the flow id of a tombstone's key; false for another row.
func ParseTombstone(k Key) (flowID string, ok bool) {
	flowID, ok = strings.CutPrefix(k.Partition, "d#")
	return flowID, ok && k.Sort == sortTombstone
}

// TombstoneKey is the key of a flow's tombstone.
func TombstoneKey(flowID string) Key { return Key{"d#" + flowID, sortTombstone} }

// PutTombstone writes the tombstone of a flow.
func (s *Store) PutTombstone(ctx context.Context, flowID string, t Tombstone, wake int64) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.driver.Put(ctx, []Row{{Key: TombstoneKey(flowID), Data: data, Wake: wake}})
}

// Tombstone reads one.
func (s *Store) Tombstone(ctx context.Context, k Key) (Tombstone, error) {
	row, err := s.driver.Get(ctx, k)
	if err != nil {
		return Tombstone{}, err
	}
	var t Tombstone
	return t, json.Unmarshal(row.Data, &t)
}

// ParseDefinition tells whether a key is that of a definition.
func ParseDefinition(k Key) bool {
	return strings.HasPrefix(k.Partition, "d#") && k.Sort != sortTombstone
}

// ForgetExpired removes a row that stands for itself, a definition or a nonce, if it has expired.
func (s *Store) ForgetExpired(ctx context.Context, k Key) error { return s.forgetExpired(ctx, k) }

// forgetExpired removes a row if it has expired.
func (s *Store) forgetExpired(ctx context.Context, k Key) error {
	row, err := s.driver.Get(ctx, k)
	if err == ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if row.Expires == 0 || row.Expires > s.nowMillis() {
		return nil
	}
	return s.driver.Delete(ctx, k, nil)
}

// ForgetDefinitions removes every definition of a flow that is gone, and its tombstone last.
func (s *Store) ForgetDefinitions(ctx context.Context, flowID string) error {
	for {
		rows, more, err := s.driver.Range(ctx, Range{Partition: "d#" + flowID, Limit: 100})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Sort == sortTombstone {
				continue
			}
			if err := s.driver.Delete(ctx, row.Key, nil); err != nil {
				return err
			}
		}
		if !more || len(rows) == 0 {
			return s.RemoveTombstone(ctx, TombstoneKey(flowID))
		}
	}
}

// RemoveTombstone removes one.
func (s *Store) RemoveTombstone(ctx context.Context, k Key) error {
	return s.driver.Delete(ctx, k, nil)
}

// Forget removes every row of an execution that has expired, the state row last and only if it is still the same. Rows
// of another run are left alone unless they have expired themselves: the name may be claimed anew meanwhile.
func (s *Store) Forget(ctx context.Context, partition string) error {
	state, err := s.driver.Get(ctx, Key{partition, sortState})
	if err != nil {
		if err == ErrNotFound {
			return nil
		}
		return err
	}
	if state.Expires == 0 || state.Expires > s.nowMillis() {
		return nil
	}
	run, _, _ := strings.Cut(state.Fence, ".")
	for from := sortState + "\x00"; ; {
		rows, more, err := s.driver.Range(ctx, Range{Partition: partition, From: from, Limit: 100})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			if !ofRun(row.Sort, run) && (row.Expires == 0 || row.Expires > s.nowMillis()) {
				continue
			}
			if err := s.driver.Delete(ctx, row.Key, nil); err != nil {
				return err
			}
		}
		if !more {
			break
		}
	}
	return s.driver.Delete(ctx, state.Key, &Condition{Version: state.Version, Fence: state.Fence})
}

// ParseValue tells whether a key is that of a value of an execution.
func ParseValue(k Key) bool { return strings.HasPrefix(k.Sort, prefixValue) }

// ForgetValue removes a value that has expired: one of a claim, whichever has become of that.
func (s *Store) ForgetValue(ctx context.Context, k Key) error { return s.forgetExpired(ctx, k) }

// ofRun tells whether a row beside the state row belongs to a run, written as in a fence.
func ofRun(sort, run string) bool {
	_, rest, _ := strings.Cut(sort, "#")
	of, _, _ := strings.Cut(rest, "#")
	return of == run
}
