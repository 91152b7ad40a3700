package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

var deploymentKey = driver.Key{Partition: "g#deployment", Sort: "a"}

// shardedRows returns an empty store whose wake index has shards.
func shardedRows() *memstore.Store {
	rows := memstore.New()
	rows.WakeShards = 2
	return rows
}

func wantShards(t *testing.T, s *store.Store, want int) {
	t.Helper()
	n, err := s.WakeShards(context.Background())
	if err != nil || n != want || s.Driver().Shards() != want {
		t.Errorf("%d shards, the driver has %d, want %d, %v", n, s.Driver().Shards(), want, err)
	}
}

// TestWakeShards: the stored number only rises, whatever the settings of processes say.
func TestWakeShards(t *testing.T) {
	rows := shardedRows()
	for _, step := range []struct{ setting, want int }{
		{0, 2}, {1, 2}, {5, 5}, {3, 5}, {0, 5}, {6, 6}, {5000, store.WakeShardsMax}, {7, 1024},
	} {
		wantShards(t, store.New(store.Options{Driver: rows, WakeShards: step.setting}), step.want)
	}
	embedded := store.New(store.Options{Driver: memstore.New(), WakeShards: 9})
	wantShards(t, embedded, 1)
	if _, err := embedded.Driver().Get(t.Context(), deploymentKey); err != store.ErrNotFound {
		t.Errorf("an embedded store has a deployment row: %v", err)
	}
}

// TestWakeShardsRace: of two processes that raise the number, neither lowers it.
func TestWakeShardsRace(t *testing.T) {
	rows := shardedRows()
	low := store.New(store.Options{Driver: rows, WakeShards: 5})
	high := store.New(store.Options{Driver: rows, WakeShards: 8})
	rows.Before = func(op string, k driver.Key) error {
		if op == memstore.OpCommit && k == deploymentKey {
			rows.Before = nil
			wantShards(t, high, 8)
		}
		return nil
	}
	wantShards(t, low, 8)
	wantShards(t, store.New(store.Options{Driver: rows}), 8)
}

// TestWakeShardsOfFailures: a number that could not be stored is not used, and one that could not
// be read is an error of the sweep. A commit goes on with the number that the process knows.
func TestWakeShardsOfFailures(t *testing.T) {
	rows, away := shardedRows(), errors.New("away")
	rows.Before = func(op string, k driver.Key) error {
		if op == memstore.OpCommit && k == deploymentKey {
			return away
		}
		return nil
	}
	wantShards(t, store.New(store.Options{Driver: rows, WakeShards: 8}), 2)
	rows.Before = func(_ string, k driver.Key) error {
		if k == deploymentKey {
			return away
		}
		return nil
	}
	now := time.Now()
	s := store.New(store.Options{Driver: rows, WakeShards: 8,
		Now: func() time.Time { return now }})
	if n, err := s.WakeShards(t.Context()); !errors.Is(err, away) {
		t.Errorf("%d shards, %v", n, err)
	}
	x := &store.Execution{Account: "1", FlowID: "id", Flow: "f", Name: "x", Run: 7, Started: 1}
	if err := s.Create(t.Context(), x, &store.Change{LastEvent: 1}); err != nil {
		t.Error(err)
	}
	reads := 0
	rows.Before = func(op string, k driver.Key) error {
		if op == memstore.OpGet && k == deploymentKey {
			reads++
		}
		return nil
	}
	for range 2 { // commits do not ask again at once
		if err := s.Commit(t.Context(), x, unchanged(x)); err != nil || reads != 0 {
			t.Errorf("%d reads of the number for a commit, %v", reads, err)
		}
	}
	now = now.Add(time.Minute)
	if err := s.Commit(t.Context(), x, unchanged(x)); err != nil || rows.Shards() != 8 {
		t.Errorf("%d shards after a commit, %v", rows.Shards(), err)
	}
}

// TestNewerDeployment: a program that raises the number keeps what a newer one has added to the
// row, and changes no row of a newer format.
func TestNewerDeployment(t *testing.T) {
	ctx, rows := t.Context(), shardedRows()
	wantShards(t, store.New(store.Options{Driver: rows, WakeShards: 3}), 3)
	row, err := rows.Get(ctx, deploymentKey)
	if err != nil {
		t.Fatal(err)
	}
	row.Data = addFields(t, row.Data, "new")
	if err := rows.Put(ctx, []driver.Row{row}); err != nil {
		t.Fatal(err)
	}
	wantShards(t, store.New(store.Options{Driver: rows, WakeShards: 4}), 4)
	if row, err = rows.Get(ctx, deploymentKey); err != nil {
		t.Fatal(err)
	}
	wantNew(t, "the row", newFields(t, row.Data), "new")
	none := flow.FieldWriter{} // a number that is 0 or missing would be no shard at all
	start := none.BeginRow(1)
	none.End(start)
	if err := rows.Put(ctx, []driver.Row{{Key: deploymentKey, Data: none.Buf, Version: row.Version,
		Fence: row.Fence}}); err != nil {
		t.Fatal(err)
	}
	if n, err := store.New(store.Options{Driver: rows}).WakeShards(ctx); !store.IsDamaged(err) {
		t.Errorf("%d shards, %v", n, err)
	}
	row.Data = []byte{2, 0}
	if err := rows.Put(ctx, []driver.Row{row}); err != nil {
		t.Fatal(err)
	}
	s := store.New(store.Options{Driver: rows, WakeShards: 9})
	if n, err := s.WakeShards(ctx); !errors.Is(err, store.ErrFormat) {
		t.Errorf("%d shards, %v", n, err)
	}
	if now, err := rows.Get(ctx, deploymentKey); err != nil || now.Version != row.Version {
		t.Errorf("version %d, %v", now.Version, err)
	}
}

// TestWakeShardsRaised: the number is raised while a sweep is under way and rows change. That sweep
// and the next one together see every row that is due, and a row that was written again is due
// once.
func TestWakeShardsRaised(t *testing.T) {
	ctx, rows := t.Context(), shardedRows()
	s := store.New(store.Options{Driver: rows})
	put := func(i int, wake int64) {
		t.Helper()
		row := driver.Row{Key: driver.Key{Partition: fmt.Sprint("x#f#", i), Sort: "a"}, Wake: wake}
		if err := rows.Put(ctx, []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		put(i, 10)
	}
	sweep := func(during func(shard int)) map[driver.Key]int {
		t.Helper()
		n, err := s.WakeShards(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[driver.Key]int{}
		for shard := range n {
			for cursor, more := "", true; more; more = cursor != "" {
				due, next, err := rows.Due(ctx, shard, 10, cursor, 7)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range due {
					seen[row.Key]++
				}
				during(shard)
				cursor = next
			}
		}
		return seen
	}
	raised := false
	first := sweep(func(int) {
		if raised {
			return
		}
		raised = true
		wantShards(t, store.New(store.Options{Driver: rows, WakeShards: 32}), 32)
		for i := range 50 { // they move to other shards, some of them behind the sweep
			put(i, 9)
		}
		put(1000, 10)
	})
	second := sweep(func(int) {})
	for i := range 100 {
		k := driver.Key{Partition: fmt.Sprint("x#f#", i), Sort: "a"}
		if second[k] != 1 || i >= 50 && first[k] != 1 {
			t.Errorf("row %d was seen %d times, and then %d times", i, first[k], second[k])
		}
	}
	if len(second) != 101 {
		t.Errorf("%d rows are due", len(second))
	}
}
