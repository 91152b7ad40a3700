package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// newStoredExecution creates an execution with three history rows of three events each, and two
// events in its tail.
func newStoredExecution(t *testing.T, s *store.Store, name string, run uint64) *store.Execution {
	t.Helper()
	x := &store.Execution{Account: "1", FlowID: "f", Flow: "flow", Name: name, Run: run, Started: 1,
		Deadline: 1 << 40, Expires: 1 << 41}
	last := int64(0)
	for i := range 11 {
		last++
		c := &store.Change{Status: flow.Running, LastEvent: last, Expires: 1 << 41,
			Events: []flow.HistoryEvent{{ID: last, Type: flow.StateEntered, Node: i}}}
		write := s.Commit
		if i == 0 {
			write = s.Create
		}
		if err := write(context.Background(), x, c); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// TestDamagedRows: reading a row that is cut short, or that belongs to another execution, is an
// error, even if part of it can be decoded.
func TestDamagedRows(t *testing.T) {
	rows := memstore.New()
	s := store.New(store.Options{Driver: rows, Now: func() time.Time { return time.UnixMilli(5) },
		TailBytes: 15})
	x, other := newStoredExecution(t, s, "a", 7), newStoredExecution(t, s, "b", 8)
	page, _, _ := rows.Range(context.Background(),
		driver.Range{Partition: x.Partition(), From: "h"})
	if len(page) < 3 {
		t.Fatalf("%d rows of history", len(page))
	}
	if events, err := s.Events(context.Background(), x, 1, 100); err != nil || len(events) != 11 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, row := range page {
		for n := range row.Data {
			short := row
			short.Data = row.Data[:n]
			rows.Put(context.Background(), []driver.Row{short})
			for _, limit := range []int{1, 4, 100} {
				for from := int64(1); from <= 11; from++ {
					events, err := s.Events(context.Background(), x, from, limit)
					want := min(limit, 12-int(from))
					if err == nil && (len(events) != want || events[0].ID != from) ||
						err != nil && !store.IsDamaged(err) {
						t.Fatalf("row %d cut to %d bytes, %d events from %d: %v, %v", i, n, limit,
							from, events, err)
					}
				}
			}
		}
		rows.Put(context.Background(), []driver.Row{row})
	}
	strange, _ := rows.Get(context.Background(),
		driver.Key{Partition: other.Partition(), Sort: "a"})
	strange.Key.Partition = x.Partition()
	rows.Put(context.Background(), []driver.Row{strange})
	if _, err := s.Load(context.Background(), x.Partition()); !errors.Is(err, flow.ErrCorrupt) ||
		!strings.Contains(err.Error(), x.Partition()) {
		t.Fatalf("the state row of another execution: %v", err)
	}
}

// TestDamagedDefinition: a definition is read as it was written or not at all, and a damaged
// definition is not written again.
func TestDamagedDefinition(t *testing.T) {
	rows, ctx := memstore.New(), context.Background()
	s := store.New(store.Options{Driver: rows, Now: func() time.Time { return time.UnixMilli(5) }})
	f := &store.Flow{Account: "1", Name: "flow", ID: "id", Type: "FDL"}
	if err := s.CreateFlow(ctx, f, "some text", 1); err != nil {
		t.Fatal(err)
	}
	key := driver.Key{Partition: "d#id", Sort: f.Hash}
	row, _ := rows.Get(ctx, key)
	row.Data = []byte("some tex")
	rows.Put(ctx, []driver.Row{row})
	if _, err := s.Definition(ctx, "id", f.Hash); !store.IsDamaged(err) {
		t.Errorf("Definition: %v", err)
	}
	if err := s.CollectDefinition(ctx, key, 9); !store.IsDamaged(err) {
		t.Errorf("CollectDefinition: %v", err)
	}
	if err := s.UpdateFlow(ctx, f, "another text", 1); !store.IsDamaged(err) {
		t.Errorf("UpdateFlow: %v", err)
	}
	flowRow, _ := rows.Get(ctx, driver.Key{Partition: "f#1#flow", Sort: "a"})
	flowRow.Key.Partition = "f#1#other"
	rows.Put(ctx, []driver.Row{flowRow})
	if _, err := s.GetFlow(ctx, "1", "other"); !store.IsDamaged(err) {
		t.Errorf("the row of another flow: %v", err)
	}
	n := 0
	if err := s.EachFlow(ctx, func(*store.Flow) error { n++; return nil }); !store.IsDamaged(err) ||
		n != 1 {
		t.Errorf("%d flows beside a damaged one, %v", n, err)
	}
}
