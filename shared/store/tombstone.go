package store

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// Tombstone is the row of a flow that is being deleted. When its wake time comes, the sweeper stops
// the executions that still run (docs/protocol.md#deleted-flows).
type Tombstone struct {
	Account string
	Name    string
	Round   int // how often the running executions have been stopped

	ListShards int // of the flow

	fence   string // differs from that of a tombstone that a later deletion wrote
	unknown []byte // fields that only a newer program knows
}

// tombstoneFmt is the format of the tombstones that this code writes. See executionFmt for what to
// do when it changes.
const tombstoneFmt = 1

// Fields of a tombstone.
const (
	tombAccount = 1
	tombName    = 2
	tombRound   = 3
	tombShards  = 4
)

// PutTombstone writes the tombstone of a flow.
func (s *Store) PutTombstone(ctx context.Context, flowID string, t Tombstone, wake int64) error {
	w := flow.FieldWriter{}
	start := w.BeginRow(tombstoneFmt)
	w.String(tombAccount, t.Account)
	w.String(tombName, t.Name)
	w.Uint(tombRound, uint64(t.Round))
	w.Uint(tombShards, uint64(t.ListShards))
	w.Unknown(t.unknown)
	w.End(start)
	key := TombstoneKey(flowID)
	return s.driver.Put(ctx, []driver.Row{{Key: key, Version: 1,
		Fence: strconv.FormatUint(s.random(key.Partition), 16), Data: w.Buf, Wake: wake}})
}

// Tombstone reads a tombstone. It returns ErrNotFound if there is none.
func (s *Store) Tombstone(ctx context.Context, k driver.Key) (Tombstone, error) {
	row, err := s.driver.Get(ctx, k)
	if err != nil {
		return Tombstone{}, err
	}
	format, r := flow.ReadRow(row.Data)
	if format != tombstoneFmt {
		return Tombstone{}, ErrFormat
	}
	t := Tombstone{fence: row.Fence}
	for r.Next() {
		switch r.Field {
		case tombAccount:
			t.Account = r.String()
		case tombName:
			t.Name = r.String()
		case tombRound:
			t.Round = int(r.Uint())
		case tombShards:
			t.ListShards = int(r.Small(ListShardsMax))
		default:
			r.Keep(&t.unknown)
		}
	}
	if r.Err != nil {
		return Tombstone{}, damagedRow("tombstone", k, flow.ErrCorrupt)
	}
	return t, nil
}

// CancelDeletion removes the tombstone of a flow whose deletion failed. It first gives the flow a
// new version, so that a deletion that a frozen process still has under way fails. It returns
// ErrConflict if the flow has changed since it was read.
func (s *Store) CancelDeletion(ctx context.Context, f *Flow, t Tombstone) error {
	cond := driver.Condition{Version: f.Version, Fence: f.ID}
	f.Version++
	row := f.row()
	err := s.driver.Commit(ctx, nil, row, cond)
	if s.flows.invalidate(row.Key, err); err != nil {
		return err
	}
	same := &driver.Condition{Version: 1, Fence: t.fence}
	err = s.driver.Delete(ctx, TombstoneKey(f.ID), same)
	if errors.Is(err, ErrConflict) {
		return nil // the tombstone of another deletion
	}
	return err
}

// DeleteExpiredRow removes one row if it has expired: a nonce, an invocation record, or a value
// written by a claim, whether or not the claim succeeded. A missing row is no error.
func (s *Store) DeleteExpiredRow(ctx context.Context, k driver.Key) error {
	row, err := s.driver.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.deleteExpired(ctx, row)
}

func (s *Store) deleteExpired(ctx context.Context, row driver.Row) error {
	if row.Expires == 0 || row.Expires > s.nowMillis() {
		return nil
	}
	if row.Fence == "" {
		return s.driver.Delete(ctx, row.Key, nil)
	}
	// A definition may have been written again meanwhile.
	err := s.driver.Delete(ctx, row.Key, &driver.Condition{Version: row.Version, Fence: row.Fence})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// DeleteDefinitions removes every definition of a deleted flow, and its tombstone last.
func (s *Store) DeleteDefinitions(ctx context.Context, flowID string) error {
	for from := ""; ; {
		rows, more, err := s.driver.Range(ctx,
			driver.Range{Partition: definitionPartition(flowID), From: from, Limit: s.sizes.Rows})
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
func (s *Store) DeleteTombstone(ctx context.Context, k driver.Key) error {
	return s.driver.Delete(ctx, k, nil)
}

// DeleteExpiredExecution removes every row of an expired execution. It removes the state row last,
// and only if that has not changed. Rows of another run stay unless they have expired themselves,
// because the name may be claimed anew meanwhile. If rows of an earlier run expire later than the
// state row, the expired state row stays to lead to them: its wake time is when the last of them
// expires.
func (s *Store) DeleteExpiredExecution(ctx context.Context, partition string) error {
	state, err := s.driver.Get(ctx, rowKey(partition, sortState))
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
	err = s.eachRow(ctx, partition, func(row driver.Row) error {
		if !belongsToRun(row.Sort, run) && (row.Expires == 0 || row.Expires > s.nowMillis()) {
			if row.Wake == 0 { // the sweeper finds a row with a wake time by itself
				left = max(left, row.Expires)
			}
			return nil
		}
		return s.driver.Delete(ctx, row.Key, nil)
	})
	if err != nil {
		return err
	}
	same := driver.Condition{Version: state.Version, Fence: state.Fence}
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
