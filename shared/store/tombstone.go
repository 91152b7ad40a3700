package store

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Tombstone is the row of a flow that is being deleted: its wake time brings the sweeper, which stops what still
// runs (execution.md finding 25).
type Tombstone struct {
	Account string
	Name    string
	Round   int // how often that the running executions have been stopped

	fence string // tells it from one that another deletion has written since
}

// PutTombstone writes the tombstone of a flow.
func (s *Store) PutTombstone(ctx context.Context, flowID string, t Tombstone, wake int64) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	key := TombstoneKey(flowID)
	return s.driver.Put(ctx, []Row{{Key: key, Version: 1, Fence: strconv.FormatUint(s.random(key.Partition), 16), Data: data, Wake: wake}})
}

// Tombstone reads one. ErrNotFound when there is none.
func (s *Store) Tombstone(ctx context.Context, k Key) (Tombstone, error) {
	row, err := s.driver.Get(ctx, k)
	if err != nil {
		return Tombstone{}, err
	}
	t := Tombstone{fence: row.Fence}
	return t, json.Unmarshal(row.Data, &t)
}

// CancelDeletion removes the tombstone of a flow that is still there: its deletion did not come to pass, and never will. The flow
// gets a new version first, for the deletion of a process that was frozen may still be on its way. ErrConflict when the flow
// has changed since it was read.
func (s *Store) CancelDeletion(ctx context.Context, f *Flow, t Tombstone) error {
	cond := Condition{Version: f.Version, Fence: f.ID}
	f.Version++
	row, err := flowRow(f)
	if err != nil {
		return err
	}
	err = s.driver.Commit(ctx, nil, row, cond)
	if s.flows.invalidate(row.Key, err); err != nil {
		return err
	}
	same := &Condition{Version: 1, Fence: t.fence}
	if t.fence == "" { // written by an older program
		same = nil
	}
	err = s.driver.Delete(ctx, TombstoneKey(f.ID), same)
	if errors.Is(err, ErrConflict) {
		return nil // of another deletion
	}
	return err
}

// DeleteExpiredRow removes one row if it has expired: a nonce, a note, or a value of a claim, whichever has become of that. A
// missing row is fine.
func (s *Store) DeleteExpiredRow(ctx context.Context, k Key) error {
	row, err := s.driver.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.deleteExpired(ctx, row)
}

func (s *Store) deleteExpired(ctx context.Context, row Row) error {
	if row.Expires == 0 || row.Expires > s.nowMillis() {
		return nil
	}
	if row.Fence == "" {
		return s.driver.Delete(ctx, row.Key, nil)
	}
	// A definition may be written again by now.
	err := s.driver.Delete(ctx, row.Key, &Condition{Version: row.Version, Fence: row.Fence})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// DeleteDefinitions removes every definition of a flow that is gone, and its tombstone last.
func (s *Store) DeleteDefinitions(ctx context.Context, flowID string) error {
	for from := ""; ; {
		rows, more, err := s.driver.Range(ctx, Range{Partition: definitionPartition(flowID), From: from, Limit: s.sizes.Rows})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			if row.Sort == sortTombstone {
				continue
			}
			if err := s.driver.Delete(ctx, row.Key, nil); err != nil {
				return err
			}
		}
		if !more || len(rows) == 0 {
			return s.DeleteTombstone(ctx, TombstoneKey(flowID))
		}
	}
}

// DeleteTombstone removes one.
func (s *Store) DeleteTombstone(ctx context.Context, k Key) error {
	return s.driver.Delete(ctx, k, nil)
}

// DeleteExpiredExecution removes every row of an execution that has expired, the state row last and only if it is still the same. Rows
// of another run are left alone unless they have expired themselves: the name may be claimed anew meanwhile. While there
// are such rows, of a run before that was to run for longer, the state row stays, expired, to lead to them: its wake time is
// when they have expired.
func (s *Store) DeleteExpiredExecution(ctx context.Context, partition string) error {
	state, err := s.driver.Get(ctx, Key{partition, sortState})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if state.Expires == 0 || state.Expires > s.nowMillis() {
		return nil
	}
	run, _, _ := strings.Cut(state.Fence, ".")
	left := int64(0)
	for from := sortState + "\x00"; ; {
		rows, more, err := s.driver.Range(ctx, Range{Partition: partition, From: from, Limit: s.sizes.Rows})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			if !belongsToRun(row.Sort, run) && (row.Expires == 0 || row.Expires > s.nowMillis()) {
				if row.Wake == 0 { // one with a wake time of its own is found by that
					left = max(left, row.Expires)
				}
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
	same := Condition{Version: state.Version, Fence: state.Fence}
	if left == 0 {
		return s.driver.Delete(ctx, state.Key, &same)
	}
	state.Version++
	state.Wake, state.List = left, nil
	return s.driver.Commit(ctx, nil, state, same)
}

// belongsToRun tells whether a row beside the state row belongs to a run, written as in a fence.
func belongsToRun(sort, run string) bool {
	_, rest, _ := strings.Cut(sort, "#")
	of, _, _ := strings.Cut(rest, "#")
	return of == run
}
