package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"millrace/shared/store/driver"
)

// claimRace: of any number of racing claims exactly one wins, and its row is the stored one.
func claimRace(t *testing.T, h Harness) {
	for round := range 4 {
		k := key("x#1#race", fmt.Sprint("a", round))
		var won, lost atomic.Int64
		var winner atomic.Value
		var start, done sync.WaitGroup
		start.Add(1)
		for i := range 64 {
			done.Go(func() {
				start.Wait()
				fence := fmt.Sprint("run", i)
				err := h.Driver.Commit(t.Context(), nil, state(k, 1, fence, fence), absent(1))
				switch {
				case err == nil:
					won.Add(1)
					winner.Store(fence)
				case errors.Is(err, driver.ErrConflict):
					lost.Add(1)
					// A loser can read the winner's row at once.
					if row, err := h.Driver.Get(t.Context(), k); err != nil || row.Version != 1 {
						t.Errorf("the loser reads version %d, %v", row.Version, err)
					}
				default:
					t.Errorf("Commit: %v", err)
				}
			})
		}
		start.Done()
		done.Wait()
		if won.Load() != 1 || lost.Load() != 63 {
			t.Fatalf("%d claims won and %d lost, want 1 and 63", won.Load(), lost.Load())
		}
		fence := winner.Load().(string)
		wantData(t, h.Driver, k, 1, fence, fence)
	}
}

func compareAndSet(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#cas", "a")
	for _, c := range []driver.Condition{at(0, ""), at(1, ""), at(1, "r1")} {
		conflict(t, d, state(k, 1, "r1", "no"), c)
	}
	missing(t, d, k)

	commit(t, d, state(k, 1, "r1", "one"), absent(1))
	commit(t, d, state(k, 2, "r1", "two"), at(1, "r1"))
	for _, c := range []driver.Condition{
		absent(1), at(1, "r1"), at(3, "r1"), at(2, "r2"), at(2, ""),
		at(0, ""), at(0, "r1")} {
		conflict(t, d, state(k, 3, "r1", "no"), c)
	}
	wantData(t, d, k, 2, "r1", "two")

	commit(t, d, state(k, 3, "r1", "three"), at(2, "r1"))
	wantData(t, d, k, 3, "r1", "three")
	// The same version of another incarnation is another row.
	commit(t, d, state(k, 3, "r2", "other"), at(3, "r1"))
	conflict(t, d, state(k, 4, "r1", "no"), at(3, "r1"))
	wantData(t, d, k, 3, "r2", "other")
}

// compareAndSetRace: every version has one writer.
func compareAndSetRace(t *testing.T, h Harness) {
	const writers, each = 8, 12
	d, k := h.Driver, key("x#1#counter", "a")
	commit(t, d, state(k, 1, "r", ""), absent(1))
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			// One of all attempts at a version wins, so no writer needs more attempts than this.
			for won, left := 0, writers*each+each; won < each; left-- {
				if left == 0 {
					t.Errorf("%d of %d commits won, and no more", won, each)
					return
				}
				row, err := d.Get(t.Context(), k)
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
				next := state(k, row.Version+1, "r", string(row.Data)+"x")
				switch err := d.Commit(t.Context(), nil, next, at(row.Version, "r")); {
				case err == nil:
					won++
				case !errors.Is(err, driver.ErrConflict):
					t.Errorf("Commit: %v", err)
					return
				}
			}
		})
	}
	done.Wait()
	row := get(t, d, k)
	if row.Version != 1+writers*each || len(row.Data) != writers*each {
		t.Fatalf("version %d with %d marks after %d commits", row.Version, len(row.Data),
			writers*each)
	}
}

// absentOrExpired: a row counts as absent from the millisecond in which it expires, and not
// earlier.
func absentOrExpired(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#expiry", "a")
	first := state(k, 7, "r1", "first")
	first.Expires = 1000
	commit(t, d, first, absent(1))
	conflict(t, d, state(k, 1, "r2", "no"), absent(999))
	if row := get(t, d, k); row.Expires != 1000 {
		t.Fatalf("Expires is %d, want 1000", row.Expires)
	}
	// A condition on the version ignores the expiry too: the caller checks it.
	second := state(k, 8, "r1", "second")
	second.Expires = 1000
	commit(t, d, second, at(7, "r1"))

	commit(t, d, state(k, 1, "r2", "new"), absent(1000))
	wantData(t, d, k, 1, "r2", "new")
	// A row without an expiry is never absent.
	conflict(t, d, state(k, 1, "r3", "no"), absent(1<<60))
	conflict(t, d, state(k, 9, "r1", "no"), at(8, "r1"))
}

// commitPuts: puts are stored with the row that refers to them, and do no harm if that row is
// rejected.
func commitPuts(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#puts", "a")
	h1, v1 := key("x#1#puts", "h#1"), key("x#1#puts", "v#1")
	commit(t, d, state(k, 1, "r", "one"), absent(1), plain(h1, "events"), plain(v1, "value"))
	wantData(t, d, h1, 0, "", "events")
	wantData(t, d, v1, 0, "", "value")

	h2, other := key("x#1#puts", "h#2"), key("x#1#elsewhere", "v#1")
	conflict(t, d, state(k, 2, "r", "no"), at(5, "r"), plain(h2, "stray"), plain(other, "stray"),
		plain(h1, "events"))
	wantData(t, d, k, 1, "r", "one")
	wantData(t, d, h1, 0, "", "events")
	for _, k := range []driver.Key{h2, other} {
		row, err := d.Get(t.Context(), k)
		if err == nil && string(row.Data) != "stray" ||
			err != nil && !errors.Is(err, driver.ErrNotFound) {
			t.Fatalf("a put of a refused commit: %q, %v; want all of it or nothing", row.Data, err)
		}
	}
	commit(t, d, state(k, 2, "r", "two"), at(1, "r"), plain(h2, "right"), plain(other, "right"))
	wantData(t, d, h2, 0, "", "right")
	wantData(t, d, other, 0, "", "right")
}

// commitManyPuts: a commit may have more rows than a batch of any cloud.
func commitManyPuts(t *testing.T, h Harness) {
	d, p := h.Driver, "x#1#many"
	var puts []driver.Row
	for i := range 130 {
		puts = append(puts, plain(key(p, fmt.Sprintf("v#%04d", i)), fmt.Sprint(i)))
	}
	commit(t, d, state(key(p, "a"), 1, "r", ""), absent(1), puts...)
	if got := sorts(
		t, d, driver.Range{Partition: p, From: "v#", To: "v$", Limit: 50},
	); len(got) != len(puts) {
		t.Fatalf("%d of %d rows are there", len(got), len(puts))
	}
}

// cancelled: a call with a cancelled context fails with the context's error.
func cancelled(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#cancelled", "a")
	commit(t, d, state(k, 1, "r", "one"), absent(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Get": func() error { _, err := d.Get(ctx, k); return err },
		"Range": func() error {
			_, _, err := d.Range(ctx, driver.Range{Partition: k.Partition})
			return err
		},
		"Commit": func() error { return d.Commit(ctx, nil, state(k, 2, "r", "two"), at(1, "r")) },
		"Put": func() error {
			return d.Put(ctx, []driver.Row{plain(key("x#1#cancelled", "v"), "")})
		},
		"Delete": func() error { return d.Delete(ctx, key("x#1#cancelled", "z"), nil) },
		"List": func() error {
			_, _, err := d.List(ctx, driver.ListRange{Group: "g"})
			return err
		},
		"Due": func() error { _, _, err := d.Due(ctx, 0, 1, "", 1); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a cancelled context: %v", name, err)
		}
	}
	// The outcome of the commit is unknown to its caller: either version is right.
	if row := get(t, d, k); row.Version != 1 && row.Version != 2 {
		t.Errorf("version %d", row.Version)
	}
}

// closed: after Close every call fails.
func closed(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#closed", "a")
	put(t, d, plain(k, ""))
	if err := d.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if _, err := d.Get(t.Context(), k); err == nil || errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get after Close: %v", err)
	}
	if err := d.Put(t.Context(), []driver.Row{plain(k, "")}); err == nil {
		t.Error("Put after Close returns nil")
	}
}
