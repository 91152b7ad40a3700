package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// clock is a clock that the test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(c *clock) (*store.Store, *memstore.Store) {
	driver := memstore.New()
	return store.New(store.Options{Driver: driver, Now: c.now, Exclusive: true}), driver
}

func due(t *testing.T, d driver.Driver, at time.Time) []driver.Key {
	t.Helper()
	var keys []driver.Key
	for shard := range d.Shards() {
		rows, _, err := d.Due(context.Background(), shard, at.UnixMilli(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			keys = append(keys, r.Key)
		}
	}
	return keys
}

// TestCanceledDeletion: after the sweeper has canceled a deletion, a deletion that arrives later
// fails.
func TestCanceledDeletion(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one", 0); err != nil {
		t.Fatal(err)
	}
	d.Before = func(op string, k driver.Key) error {
		if op != memstore.OpDelete {
			return nil
		}
		d.Before = nil // the deletion has not taken effect yet
		tombstone, err := s.Tombstone(ctx, store.TombstoneKey("id"))
		if err != nil {
			return err
		}
		now, err := s.GetFlow(ctx, "1", "f")
		if err != nil {
			return err
		}
		return s.CancelDeletion(ctx, now, tombstone)
	}
	if err := s.DeleteFlow(ctx, f); !errors.Is(err, store.ErrConflict) {
		t.Errorf("deleted after all: %v", err)
	}
	if _, err := s.GetFlow(ctx, "1", "f"); err != nil {
		t.Errorf("the flow: %v", err)
	}
	if _, err := s.Tombstone(ctx, store.TombstoneKey("id")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the tombstone: %v", err)
	}
}

// TestNoDeletionWithoutATombstone: a flow stays if its tombstone cannot be written, because nothing
// would stop its executions.
func TestNoDeletionWithoutATombstone(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one", 0); err != nil {
		t.Fatal(err)
	}
	away := errors.New("the store is away")
	d.Before = func(op string, k driver.Key) error {
		if op != memstore.OpDelete && k == store.TombstoneKey("id") {
			return away
		}
		return nil
	}
	if err := s.DeleteFlow(ctx, f); !errors.Is(err, away) {
		t.Errorf("%v", err)
	}
	d.Before = nil
	if _, err := s.GetFlow(ctx, "1", "f"); err != nil {
		t.Errorf("the flow: %v", err)
	}
}

// TestDefinitionsOnManyPages: the tombstone sorts between the definitions, and may be alone on a
// page.
func TestDefinitionsOnManyPages(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	d.PageRows = 1
	for _, sort := range []string{"0", "deleted", "f"} {
		if err := d.Put(
			ctx, []driver.Row{{Key: driver.Key{Partition: "d#id", Sort: sort}}},
		); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteDefinitions(ctx, "id"); err != nil {
		t.Fatal(err)
	}
	if rows, _, err := d.Range(ctx, driver.Range{Partition: "d#id"}); err != nil || len(rows) != 0 {
		t.Errorf("left: %v %v", rows, err)
	}
}

func TestDeletedFlowLeavesNothing(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteFlow(ctx, f); err != nil {
		t.Fatal(err)
	}
	if keys := due(t, d, c.at.Add(time.Minute)); len(keys) != 0 {
		t.Errorf("a tombstone is due while the deletion may be under way: %v", keys)
	}
	if _, err := s.GetFlow(ctx, "1", "f"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted flow: %v", err)
	}
	if err := s.DeleteDefinitions(ctx, "id"); err != nil {
		t.Fatal(err)
	}
	rows, _, err := d.Range(ctx, driver.Range{Partition: "d#id", Limit: 10})
	if err != nil || len(rows) != 0 {
		t.Errorf("left: %v %v", rows, err)
	}
}
