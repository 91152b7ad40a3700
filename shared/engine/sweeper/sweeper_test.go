package sweeper_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"millrace/shared/engine/sweeper"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// dueRows returns a store with n rows, of which every third is due later than 1000.
func dueRows(t *testing.T, n int) driver.Driver {
	t.Helper()
	d := memstore.New()
	rows := make([]driver.Row, n)
	for i := range rows {
		rows[i] = driver.Row{Wake: 1000, Data: []byte("x"),
			Key: driver.Key{Partition: fmt.Sprint("p", i), Sort: "a"}}
		if i%3 == 0 {
			rows[i].Wake = 1001
		}
	}
	if err := d.Put(context.Background(), rows); err != nil {
		t.Fatal(err)
	}
	return d
}

func oneShard(context.Context) (int, error) { return 1, nil }

// TestEach: every due row is handed out once, on all pages, whatever happens to the others.
func TestEach(t *testing.T) {
	const n = 1800 // four pages
	var begun atomic.Int64
	s := sweeper.Sweeper{Driver: dueRows(t, n), Shards: oneShard, Log: slog.New(slog.DiscardHandler),
		Begin: func() (func(), bool) {
			begun.Add(1)
			return func() { begun.Add(-1) }, true
		}}
	var mu sync.Mutex
	seen := map[string]int{}
	err := s.Each(context.Background(), 1000, func(_ context.Context, row driver.DueRow) error {
		mu.Lock()
		defer mu.Unlock()
		seen[row.Key.Partition]++
		if begun.Load() < 1 {
			t.Error("a handler runs that is not counted")
		}
		return errors.New("not seen to")
	})
	if err != nil || len(seen) != n/3*2 || begun.Load() != 0 {
		t.Fatalf("%d rows, %v, %d handlers still count", len(seen), err, begun.Load())
	}
	for partition, times := range seen {
		if times != 1 {
			t.Errorf("%s was handed out %d times", partition, times)
		}
	}
}

// TestEachEndsWithTheProcess: a process that closes begins no more handlers, and the sweep ends.
func TestEachEndsWithTheProcess(t *testing.T) {
	var begun, seen atomic.Int64
	s := sweeper.Sweeper{Driver: dueRows(t, 1800), Shards: oneShard,
		Log: slog.New(slog.DiscardHandler), Begin: func() (func(), bool) { return func() {}, begun.Add(1) <= 10 }}
	err := s.Each(context.Background(), 1000, func(context.Context, driver.DueRow) error {
		seen.Add(1)
		return nil
	})
	if err != nil || seen.Load() != 10 || begun.Load() != 11 {
		t.Errorf("%d rows, %d asked for, %v", seen.Load(), begun.Load(), err)
	}
}
