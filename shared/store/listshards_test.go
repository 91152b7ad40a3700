package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// shardedFlow is a flow in a store with a number of shards, and its executions.
type shardedFlow struct {
	t     *testing.T
	rows  *memstore.Store
	names []string // of the executions, newest first
}

// at returns a store whose setting is a number of shards.
func (w *shardedFlow) at(shards int) *store.Store {
	return store.New(store.Options{Driver: w.rows, ListShards: shards})
}

// flow reads the flow.
func (w *shardedFlow) flow() *store.Flow {
	w.t.Helper()
	f, err := w.at(0).GetFlow(context.Background(), "1", "f")
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// start starts executions of the flow as it was read.
func (w *shardedFlow) start(f *store.Flow, n int) {
	w.t.Helper()
	for range n {
		name := fmt.Sprint("x", len(w.names))
		x := &store.Execution{Account: "1", FlowID: f.ID, Flow: "f", Name: name, Run: 1,
			Started: int64(1000 + len(w.names)), ListShard: f.ListShard(name)}
		if err := w.at(0).Create(context.Background(), x, &store.Change{LastEvent: 1}); err != nil {
			w.t.Fatal(err)
		}
		w.names = slices.Insert(w.names, 0, name)
	}
}

// page reads a page of the list, with the flow as it is now. It returns where the next one begins.
func (w *shardedFlow) page(before string, limit int) (names []string, next string) {
	w.t.Helper()
	f := w.flow()
	page, next, err := w.at(0).List(context.Background(), store.ListOptions{FlowID: f.ID,
		Shards: f.ListShards, Before: before, Limit: limit})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range page {
		names = append(names, s.Name)
	}
	return names, next
}

// TestListShardsRaised: an update raises the number of a flow's list shards between two pages of a
// list, while an older program starts executions. Each list has every execution that was there when
// it began, in order.
func TestListShardsRaised(t *testing.T) {
	ctx := t.Context()
	w := &shardedFlow{t: t, rows: memstore.New()}
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := w.at(2).CreateFlow(ctx, f, "text", 0); err != nil {
		t.Fatal(err)
	}
	w.start(f, 40)
	want := slices.Clone(w.names)
	got, next := w.page("", 10)
	before := w.flow()
	if err := w.at(16).UpdateFlow(ctx, w.flow(), "text", 0); err != nil {
		t.Fatal(err)
	}
	w.start(before, 5) // its program has read the flow before the update
	w.start(w.flow(), 60)
	for next != "" {
		var names []string
		names, next = w.page(next, 10)
		got = append(got, names...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list that was under way has %v, want %v", got, want)
	}
	if got, next = w.page("", 1000); !slices.Equal(got, w.names) || next != "" {
		t.Errorf("listed %d of %d: %v", len(got), len(w.names), got)
	}
	used := map[string]bool{}
	for _, name := range w.names {
		row, err := w.rows.Get(ctx, stateKey("id", name))
		if err != nil {
			t.Fatal(err)
		}
		used[row.List.Group] = true
	}
	if len(used) < 12 {
		t.Errorf("%d of 16 shards are used: %v", len(used), used)
	}
	// The smaller number of another program lowers nothing.
	if err := w.at(1).UpdateFlow(ctx, w.flow(), "another text", 0); err != nil {
		t.Fatal(err)
	}
	if n := w.flow().ListShards; n != 16 {
		t.Errorf("%d shards", n)
	}
	if got, _ = w.page("", 1000); !slices.Equal(got, w.names) {
		t.Errorf("listed %d of %d", len(got), len(w.names))
	}
}

// TestListShardOfCommit: an execution stays in the shard in which it was started.
func TestListShardOfCommit(t *testing.T) {
	ctx := t.Context()
	w := &shardedFlow{t: t, rows: memstore.New()}
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := w.at(16).CreateFlow(ctx, f, "text", 0); err != nil {
		t.Fatal(err)
	}
	w.start(f, 20)
	for _, name := range w.names {
		before, err := w.rows.Get(ctx, stateKey("id", name))
		if err != nil {
			t.Fatal(err)
		}
		x, err := w.at(4).Load(ctx, before.Partition)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.at(4).Commit(ctx, x, unchanged(x)); err != nil {
			t.Fatal(err)
		}
		after, err := w.rows.Get(ctx, before.Key)
		if err != nil || after.List.Group != before.List.Group {
			t.Errorf("%s has moved from %s to %s, %v", name, before.List.Group,
				after.List.Group, err)
		}
	}
}

// TestTombstoneKeepsListShards: the sweeper stops the executions of a deleted flow, whose row is
// gone, in all shards.
func TestTombstoneKeepsListShards(t *testing.T) {
	ctx := t.Context()
	w := &shardedFlow{t: t, rows: memstore.New()}
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := w.at(7).CreateFlow(ctx, f, "text", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.at(1).DeleteFlow(ctx, f); err != nil {
		t.Fatal(err)
	}
	tomb, err := w.at(1).Tombstone(ctx, store.TombstoneKey("id"))
	if err != nil || tomb.ListShards != 7 {
		t.Fatalf("%+v, %v", tomb, err)
	}
	tomb.Round++
	if err := w.at(1).PutTombstone(ctx, "id", tomb, 1); err != nil {
		t.Fatal(err)
	}
	if tomb, err = w.at(1).Tombstone(ctx, store.TombstoneKey("id")); err != nil ||
		tomb.ListShards != 7 || tomb.Round != 1 {
		t.Errorf("%+v, %v", tomb, err)
	}
}

// stateKey returns the key of an execution's state row.
func stateKey(flowID, name string) driver.Key {
	return driver.Key{Partition: store.Partition(flowID, name), Sort: "a"}
}
