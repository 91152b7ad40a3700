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

// TestDefinitionNamedAgain: an update that is slow to give the definition before its end must not end the one that the
// flow has gone back to meanwhile.
func TestDefinitionNamedAgain(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	d := memstore.New()
	s := store.New(store.Options{Driver: d, Now: c.now})
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one"); err != nil {
		t.Fatal(err)
	}
	first, end := f.Hash, c.at.Add(time.Hour).UnixMilli()
	update := func(text string) {
		t.Helper()
		got, err := s.GetFlow(ctx, "1", "f")
		if err == nil {
			err = s.UpdateFlow(ctx, got, text, end)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d.After = func(op string, k store.Key) error {
		if op == memstore.OpCommit && k.Partition == "f#1#f" {
			d.After = nil
			update("one")
		}
		return nil
	}
	update("two")
	row, err := d.Get(ctx, store.Key{Partition: "d#id", Sort: first})
	if err != nil || row.Expires != 0 || row.Wake != 0 {
		t.Errorf("the current definition expires at %d: %v", row.Expires, err)
	}
	other, err := d.Get(ctx, store.Key{Partition: "d#id", Sort: store.DefinitionHash("two")})
	if err != nil || other.Expires != end {
		t.Errorf("the other one expires at %d: %v", other.Expires, err)
	}
}

// TestExpiredDefinitionNamedAgain: a definition that is written again while the sweeper removes it stays.
func TestExpiredDefinitionNamedAgain(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one"); err != nil {
		t.Fatal(err)
	}
	key := store.Key{Partition: "d#id", Sort: f.Hash}
	if err := s.UpdateFlow(ctx, f, "two", c.at.UnixMilli()); err != nil {
		t.Fatal(err)
	}
	d.Before = func(op string, k store.Key) error {
		if op == memstore.OpDelete {
			d.Before = nil
			return s.UpdateFlow(ctx, f, "one", c.at.Add(time.Hour).UnixMilli())
		}
		return nil
	}
	if err := s.ForgetExpired(ctx, key); err != nil {
		t.Fatal(err)
	}
	if row, err := d.Get(ctx, key); err != nil || row.Expires != 0 {
		t.Errorf("the current definition: %v, expires at %d", err, row.Expires)
	}
}

// TestCalledOffDeletion: once the sweeper has found that a deletion did not come to pass, it does not, however late it is.
func TestCalledOffDeletion(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, "one"); err != nil {
		t.Fatal(err)
	}
	d.Before = func(op string, k store.Key) error {
		if op != memstore.OpDelete {
			return nil
		}
		d.Before = nil // the deletion is on its way
		grave, err := s.Tombstone(ctx, store.TombstoneKey("id"))
		if err != nil {
			return err
		}
		now, err := s.GetFlow(ctx, "1", "f")
		if err != nil {
			return err
		}
		return s.CallOff(ctx, now, grave)
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

// TestDefinitionsOnManyPages: the tombstone stands among the definitions, and may be alone on a page.
func TestDefinitionsOnManyPages(t *testing.T) {
	ctx, c := context.Background(), &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	d.PageRows = 1
	for _, sort := range []string{"0", "deleted", "f"} {
		if err := d.Put(ctx, []store.Row{{Key: store.Key{Partition: "d#id", Sort: sort}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.ForgetDefinitions(ctx, "id"); err != nil {
		t.Fatal(err)
	}
	if rows, _, err := d.Range(ctx, store.Range{Partition: "d#id"}); err != nil || len(rows) != 0 {
		t.Errorf("left: %v %v", rows, err)
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
