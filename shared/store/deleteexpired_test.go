package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// TestDeleteExpiredEarlierRun: a run ended early and left history that expires later than its state
// row. Before the sweeper comes, the name is claimed second, and the second run expires before the
// history of the first. The state row stays until that history expires, so that the sweeper finds
// it.
func TestDeleteExpiredEarlierRun(t *testing.T) {
	s, c, x := newExecution(t)
	ctx := context.Background()
	long := c.at.Add(10 * time.Hour).UnixMilli()
	old := driver.Row{
		Key:  driver.Key{Partition: x.Partition(), Sort: "h#0000000000000003#0000000001"},
		Data: []byte("x"), Expires: long,
	}
	if err := s.Driver().Put(ctx, []driver.Row{old}); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(2 * time.Hour)
	if err := s.DeleteExpiredExecution(ctx, x.Partition()); err != nil {
		t.Fatal(err)
	}
	row, err := s.Driver().Get(ctx, driver.Key{Partition: x.Partition(), Sort: "a"})
	if err != nil || row.Wake != long || row.List != nil {
		t.Fatalf("%v: wakes at %d, listed %v", err, row.Wake, row.List)
	}
	if _, err := s.Load(ctx, x.Partition()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the expired execution: %v", err)
	}
	if _, err := s.Driver().Get(ctx, old.Key); err != nil {
		t.Errorf("what has not expired: %v", err)
	}
	second := &store.Execution{Account: "1", FlowID: "id", Flow: "f", Name: "x", Run: 9, Started: 1,
		Deadline: 2, Expires: c.at.Add(time.Hour).UnixMilli()}
	if err := s.Create(ctx, second, &store.Change{LastEvent: 1}); err != nil {
		t.Fatalf("the name is not free: %v", err)
	}
	c.at = c.at.Add(20 * time.Hour)
	if err := s.DeleteExpiredExecution(ctx, x.Partition()); err != nil {
		t.Fatal(err)
	}
	if rows, _, err := s.Driver().Range(
		ctx, driver.Range{Partition: x.Partition(), From: "", Limit: 10},
	); err != nil || len(rows) > 0 {
		t.Errorf("%d rows are left, %v", len(rows), err)
	}
}
