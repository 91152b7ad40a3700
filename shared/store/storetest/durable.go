package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"millrace/shared/store/driver"
)

// readers: a reader never sees an older version than before, and a row is readable before a row
// that refers to it.
func readers(t *testing.T, h Harness) {
	d, p := h.Driver, "x#1#readers"
	a := key(p, "a")
	commit(t, d, state(a, 1, "r", ""), absent(1), plain(key(p, "h#0001"), ""))
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	defer done.Wait()
	defer stop()
	for range 4 {
		done.Go(func() {
			var last int64
			for ctx.Err() == nil {
				row, err := d.Get(t.Context(), a)
				if err != nil || row.Version < last {
					t.Errorf("version %d after %d, %v", row.Version, last, err)
					return
				}
				last = row.Version
				named := key(p, fmt.Sprintf("h#%04d", last))
				if _, err := d.Get(t.Context(), named); err != nil {
					t.Errorf("version %d names %q: %v", last, named, err)
					return
				}
				rows, err := rangeAll(t.Context(), d,
					driver.Range{Partition: p, From: "h#", To: "h$", Limit: 10})
				if err != nil || len(rows) < int(last) {
					t.Errorf("version %d with %d history rows, %v", last, len(rows), err)
					return
				}
			}
		})
	}
	for v := int64(2); v <= 60; v++ {
		commit(t, d, state(a, v, "r", ""), at(v-1, "r"),
			plain(key(p, fmt.Sprintf("h#%04d", v)), ""))
		if row := get(t, d, a); row.Version != v {
			t.Errorf("version %d is read back as %d", v, row.Version)
		}
	}
}

// reopen: after closing and opening again, the store holds everything that was acknowledged, and
// nothing else.
func reopen(t *testing.T, h Harness) {
	if h.Reopen == nil {
		t.Skip("nothing to reopen")
	}
	d := h.Driver
	const n = 200
	want := map[driver.Key]int64{}
	for i := range n {
		k := key(fmt.Sprint("x#1#keep", i), "a")
		row := state(k, 1, "r", fmt.Sprint("data", i))
		row.Wake = int64(1000 + i)
		row.List = &driver.ListEntry{Group: "keep", Sort: fmt.Sprintf("%04d", i),
			Fields: []byte("f")}
		commit(t, d, row, absent(1), plain(key(k.Partition, "h#1"), "events"))
		want[k] = row.Wake
	}
	for i := range n / 10 {
		k := key(fmt.Sprint("x#1#keep", i*10), "a")
		for _, s := range []string{"a", "h#1"} {
			if err := d.Delete(t.Context(), key(k.Partition, s), nil); err != nil {
				t.Fatalf("Delete: %v", err)
			}
		}
		delete(want, k)
	}
	for range 2 {
		d = h.Reopen()
		h.Driver = d
		for i := range n {
			k := key(fmt.Sprint("x#1#keep", i), "a")
			if _, kept := want[k]; !kept {
				missing(t, d, k)
				continue
			}
			wantData(t, d, k, 1, "r", fmt.Sprint("data", i))
			wantData(t, d, key(k.Partition, "h#1"), 0, "", "events")
			conflict(t, d, state(k, 1, "s", "no"), absent(1))
		}
		wantDue(t, h, 1<<50, 50, want)
		list, err := listAll(t.Context(), d, driver.ListRange{Group: "keep", Limit: 50})
		if err != nil || len(list) != len(want) {
			t.Fatalf("%d list entries, %v, want %d", len(list), err, len(want))
		}
	}
	k := key("x#1#keep1", "a")
	commit(t, d, state(k, 2, "r", "more"), at(1, "r"))
	commit(t, d, state(key("x#1#new", "a"), 1, "r", "new"), absent(1))
	d = h.Reopen()
	wantData(t, d, k, 2, "r", "more")
	wantData(t, d, key("x#1#new", "a"), 1, "r", "new")
}

// durableReads: Get and Range show nothing that can be lost. While a write is not durable, they may
// show the earlier rows or wait. Until it is durable, neither its writer nor a writer that lost
// against it gets a result.
func durableReads(t *testing.T, h Harness) {
	if h.HoldSync == nil {
		t.Skip("no hold on durability")
	}
	d, p := h.Driver, "x#1#durable"
	old, fresh := key(p, "a"), key(p, "h#1")
	commit(t, d, state(old, 1, "r", "old"), absent(1))
	release := h.HoldSync()
	released := make(chan struct{})

	writer := make(chan error, 1)
	go func() {
		writer <- d.Commit(t.Context(), []driver.Row{plain(fresh, "new")},
			state(old, 2, "r", "new"), at(1, "r"))
	}()
	time.Sleep(50 * time.Millisecond) // let the write get as far as it can
	loser := make(chan error, 1)
	go func() { loser <- d.Commit(t.Context(), nil, state(old, 2, "s", "lost"), at(1, "r")) }()

	var done sync.WaitGroup
	for range 8 {
		done.Go(func() { readWhileHeld(t, d, old, fresh, released) })
	}
	time.Sleep(100 * time.Millisecond)
	select {
	case err := <-writer:
		t.Errorf("the write returns (%v) before it is durable", err)
		writer <- err
	case err := <-loser:
		t.Errorf("the loser returns (%v) before the winner is durable", err)
		loser <- err
	default:
	}
	close(released)
	release()
	if err := <-writer; err != nil {
		t.Errorf("the write: %v", err)
	}
	if err := <-loser; !errors.Is(err, driver.ErrConflict) {
		t.Errorf("the loser: %v, want ErrConflict", err)
	}
	done.Wait()
	wantData(t, d, old, 2, "r", "new")
	wantData(t, d, fresh, 0, "", "new")
}

func readWhileHeld(t *testing.T, d driver.Driver, old, fresh driver.Key, released <-chan struct{}) {
	row, err := d.Get(t.Context(), old)
	_, freshErr := d.Get(t.Context(), fresh)
	rows, _, rangeErr := d.Range(t.Context(), driver.Range{Partition: old.Partition})
	select {
	case <-released:
		return // the reads have waited
	default:
	}
	if err != nil || row.Version != 1 {
		t.Errorf("Get shows version %d, %v before it is durable", row.Version, err)
	}
	if !errors.Is(freshErr, driver.ErrNotFound) {
		t.Errorf("Get of a row that is not durable: %v, want ErrNotFound", freshErr)
	}
	if rangeErr != nil || len(rows) != 1 {
		t.Errorf("Range shows %d rows, %v before they are durable", len(rows), rangeErr)
	}
}

// durableDeletes: a row that is deleted and claimed again is shown as it was until the delete is
// durable.
func durableDeletes(t *testing.T, h Harness) {
	if h.HoldSync == nil {
		t.Skip("no hold on durability")
	}
	d, k := h.Driver, key("x#1#gone", "a")
	commit(t, d, state(k, 1, "r1", "old"), absent(1))
	release := h.HoldSync()
	released := make(chan struct{})
	deleted, claimed := make(chan error, 1), make(chan error, 1)
	go func() { deleted <- d.Delete(t.Context(), k, nil) }()
	time.Sleep(50 * time.Millisecond) // so that the two are not in one group
	go func() { claimed <- d.Commit(t.Context(), nil, state(k, 1, "r2", "new"), absent(1)) }()
	time.Sleep(50 * time.Millisecond)
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			row, err := d.Get(t.Context(), k)
			rows, _, rangeErr := d.Range(t.Context(), driver.Range{Partition: k.Partition})
			select {
			case <-released:
				return // the reads have waited
			default:
			}
			if err != nil || row.Fence != "r1" {
				t.Errorf("Get shows %q, %v before the delete is durable", row.Fence, err)
			}
			if rangeErr != nil || len(rows) != 1 || rows[0].Fence != "r1" {
				t.Errorf("Range shows %d rows, %v before the delete is durable", len(rows),
					rangeErr)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	close(released)
	release()
	done.Wait()
	for name, err := range map[string]error{"Delete": <-deleted, "Commit": <-claimed} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantData(t, d, k, 1, "r2", "new")
}
