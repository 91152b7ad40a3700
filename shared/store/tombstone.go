package store

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Tombstone is the row of a flow that is being deleted. When its wake time comes, the sweeper stops
// the executions that still run (execution.md finding 25).
type Tombstone struct {
	Account string
	Name    string
	Round   int // how often the running executions have been stopped

	fence string // differs from that of a tombstone that a later deletion wrote
}

// PutTombstone writes the tombstone of a flow.
func (s *Store) PutTombstone(ctx context.Context, flowID string, t Tombstone, wake int64) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	key := TombstoneKey(flowID)
	return s.driver.Put(ctx, []Row{{Key: key, Version: 1,
		Fence: strconv.FormatUint(s.random(key.Partition), 16), Data: data, Wake: wake}})
}

// Tombstone reads a tombstone. It returns ErrNotFound if there is none.
func (s *Store) Tombstone(ctx context.Context, k Key) (Tombstone, error) {
	row, err := s.driver.Get(ctx, k)
	if err != nil {
		return Tombstone{}, err
	}
	t := Tombstone{fence: row.Fence}
	return t, json.Unmarshal(row.Data, &t)
}

// CancelDeletion removes the tombstone of a flow whose deletion failed. It first gives the flow a
// new version, so that a deletion that a frozen process still has under way fails. It returns
// ErrConflict if the flow has changed since it was read.
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
		return nil // the tombstone of another deletion
	}
	return err
}

// DeleteExpiredRow removes one row if it has expired: a nonce, an invocation record, or a value
// written by a claim, whether or not the claim succeeded. A missing row is no error.
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
	// A definition may have been written again meanwhile.
	err := s.driver.Delete(ctx, row.Key, &Condition{Version: row.Version, Fence: row.Fence})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// DeleteDefinitions removes every definition of a deleted flow, and its tombstone last.
func (s *Store) DeleteDefinitions(ctx context.Context, flowID string) error {
	for from := ""; ; {
		rows, more, err := s.driver.Range(ctx,
			Range{Partition: definitionPartition(flowID), From: from, Limit: s.sizes.Rows})
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

// DeleteTombstone removes a tombstone.
func (s *Store) DeleteTombstone(ctx context.Context, k Key) error {
	return s.driver.Delete(ctx, k, nil)
}

// DeleteExpiredExecution removes every row of an expired execution. It removes the state row last,
// and only if that has not changed. Rows of another run stay unless they have expired themselves,
// because the name may be claimed anew meanwhile. If rows of an earlier run expire later than the
// state row, the expired state row stays to lead to them: its wake time is when the last of them
// expires.
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
		rows, more, err := s.driver.Range(ctx,
			Range{Partition: partition, From: from, Limit: s.sizes.Rows})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			if !belongsToRun(row.Sort, run) && (row.Expires == 0 || row.Expires > s.nowMillis()) {
				if row.Wake == 0 { // the sweeper finds a row with a wake time by itself
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

// belongsToRun reports whether the sort key of a row, which is not a state row, has the given run,
// written as in a fence.
func belongsToRun(sort, run string) bool {
	_, rest, _ := strings.Cut(sort, "#")
	of, _, _ := strings.Cut(rest, "#")
	return of == run
}
