package store_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// TestDeletedRowGolden: the encoding of what is left of a deleted execution has not changed, and has
// none of its values (docs/rows.md).
func TestDeletedRowGolden(t *testing.T) {
	const golden = "03440b2c0a0131120269641a0166220178490700000000000000521000000000000000000000000000000000600168021080f1c6de0318042005480180018094ebdc03880101"
	s, c, x := newExecution(t)
	ctx := context.Background()
	end := &store.Change{Status: flow.Failed, Stopped: 5, LastEvent: 2,
		Error: &flow.Error{Name: "E", Cause: "secret"}, Wake: 9}
	if err := s.Commit(ctx, x, end); err != nil {
		t.Fatal(err)
	}
	left, err := s.DeleteExecution(ctx, x, c.at.UnixMilli()+30_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PurgeExecution(ctx, left, left.Expires); err != nil {
		t.Fatal(err)
	}
	row, err := s.Driver().Get(ctx, driver.Key{Partition: x.Partition(), Sort: "a"})
	if err != nil || row.List != nil || hex.EncodeToString(row.Data) != golden {
		t.Errorf("%x, listed %v, %v", row.Data, row.List, err)
	}
	_, err = s.Load(ctx, x.Partition())
	if got := store.Deleted(err); got == nil || got.Run != x.Run || got.Deleted != c.at.UnixMilli() ||
		!got.Purged || got.Status != flow.Failed || !errors.Is(err, store.ErrNotFound) {
		t.Errorf("loaded: %v %+v", err, got)
	}
	if _, err := s.DeleteExecution(ctx, x, 1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("deleted from an old version: %v", err)
	}
	if err := s.Create(ctx, x, &store.Change{LastEvent: 1}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the name is free: %v", err)
	}
}
