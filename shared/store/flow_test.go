package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(c *clock) (*store.Store, *memstore.Store) {
	driver := memstore.New()
	return store.New(store.Options{Driver: driver, Now: c.now, Exclusive: true}), driver
}

func due(t *testing.T, d store.Driver, at time.Time) []store.Key {
	t.Helper()
	var keys []store.Key
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

func TestSupersededDefinitions(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one"); err != nil {
		t.Fatal(err)
	}
	first := f.Hash
	end := c.at.Add(time.Hour)
	update := func(text string) {
		t.Helper()
		got, err := s.GetFlow(ctx, "1", "f")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.UpdateFlow(ctx, got, text, end.UnixMilli()); err != nil {
			t.Fatal(err)
		}
	}
	update("two")
	if keys := due(t, d, end); len(keys) != 1 || !store.IsDefinition(keys[0]) || keys[0].Sort != first {
		t.Fatalf("due: %v", keys)
	}
	// Used again, it is kept; the other one is superseded now.
	update("one")
	keys := due(t, d, end)
	if len(keys) != 1 || keys[0].Sort == first {
		t.Fatalf("due: %v", keys)
	}
	if err := s.ForgetExpired(ctx, keys[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(ctx, keys[0]); err != nil {
		t.Errorf("forgotten before its time: %v", err)
	}
	c.at = end
	if err := s.ForgetExpired(ctx, keys[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(ctx, keys[0]); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("not forgotten: %v", err)
	}
	if text, err := s.Definition(ctx, "id", first); err != nil || text != "one" {
		t.Errorf("current definition: %q %v", text, err)
	}
}

func TestDeletedFlowLeavesNothing(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one"); err != nil {
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
	if err := s.ForgetDefinitions(ctx, "id"); err != nil {
		t.Fatal(err)
	}
	rows, _, err := d.Range(ctx, store.Range{Partition: "d#id", Limit: 10})
	if err != nil || len(rows) != 0 {
		t.Errorf("left: %v %v", rows, err)
	}
}
