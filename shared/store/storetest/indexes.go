package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"millrace/shared/store/driver"
)

func listed(k driver.Key, group, sort, fields string) driver.Row {
	row := plain(k, "data")
	row.List = &driver.ListEntry{Group: group, Sort: sort, Fields: []byte(fields)}
	return row
}

// wantList waits until a list has these entries, each written as sort=fields.
func wantList(t *testing.T, h Harness, l driver.ListRange, want ...string) {
	t.Helper()
	eventually(t, h, func() error {
		entries, err := listAll(t.Context(), h.Driver, l)
		if err != nil {
			return err
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Sort+"="+string(e.Fields))
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("List %+v: got %q, want %q", l, got, want)
		}
		return nil
	})
}

func listOrder(t *testing.T, h Harness) {
	var rows []driver.Row
	var want []string
	for i := range ordered {
		s := ordered[(i*5)%len(ordered)]
		rows = append(rows, listed(key(fmt.Sprint("x#1#", (i*3)%len(ordered)), "a"), "f1#0", s,
			fmt.Sprint(len(s))))
	}
	for _, s := range ordered {
		want = append(want, fmt.Sprint(s, "=", len(s)))
	}
	for i, near := range []string{"f1#", "f1#00", "f1#0#", "f1#1", "f1", "f1#0é"} {
		rows = append(rows, listed(key(fmt.Sprint("x#2#", i), "a"), near, "b", ""))
	}
	put(t, h.Driver, rows...)
	for _, c := range []struct {
		from, to string
		lo, hi   int
	}{
		{"", "", 0, len(ordered)}, {"a", "c", 2, 10}, {"b#", "b$", 7, 10}, {"b", "b", 0, 0},
		{"z", "a", 0, 0},
		{"aa", "", 5, len(ordered)}, {"", "a", 0, 2}, {"日", "", 14, len(ordered)},
	} {
		for _, limit := range []int{0, 1, 4, 100} {
			l := driver.ListRange{Group: "f1#0", From: c.from, To: c.to, Limit: limit}
			wantList(t, h, l, want[c.lo:c.hi]...)
			back := slices.Clone(want[c.lo:c.hi])
			slices.Reverse(back)
			l.Reverse = true
			wantList(t, h, l, back...)
		}
	}
	wantList(t, h, driver.ListRange{Group: "nobody"})
}

func listPages(t *testing.T, h Harness) {
	var rows []driver.Row
	var want []string
	for i := range 70 {
		s := fmt.Sprintf("2024-%03d", i)
		rows = append(rows, listed(key(fmt.Sprint("x#1#page", i), "a"), "f2#0", s, "f"))
		want = append(want, s+"=f")
	}
	put(t, h.Driver, rows...)
	for _, limit := range []int{1, 9, 70, 71} {
		wantList(t, h, driver.ListRange{Group: "f2#0", Limit: limit}, want...)
	}
	// Entries with the same Sort are distinguished by their rows.
	put(t, h.Driver, listed(key("x#1#twin1", "a"), "f2#1", "same", "1"),
		listed(key("x#1#twin1", "b"), "f2#1", "same", "2"),
		listed(key("x#1#twin2", "a"), "f2#1", "same", "3"))
	eventually(t, h, func() error {
		entries, err := listAll(t.Context(), h.Driver, driver.ListRange{Group: "f2#1"})
		found := make(map[string]bool)
		for _, e := range entries {
			found[string(e.Fields)] = true
		}
		if err != nil || len(entries) != 3 || len(found) != 3 {
			return fmt.Errorf("got %d entries, %v, want 3", len(entries), err)
		}
		return nil
	})
}

// listFollowsRow: an entry changes, moves and goes with its row, whichever call writes the row.
func listFollowsRow(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#listed", "a")
	group := func(name string) driver.ListRange { return driver.ListRange{Group: name} }
	cas := func(version int64, list *driver.ListEntry) {
		t.Helper()
		row := state(k, version, "r", "data")
		row.List = list
		cond := at(version-1, "r")
		if version == 1 {
			cond = absent(1)
		}
		commit(t, d, row, cond)
	}
	cas(1, &driver.ListEntry{Group: "g1", Sort: "s", Fields: []byte("Running")})
	wantList(t, h, group("g1"), "s=Running")
	cas(2, &driver.ListEntry{Group: "g1", Sort: "s", Fields: []byte("Succeeded")})
	wantList(t, h, group("g1"), "s=Succeeded")
	rejected := state(k, 9, "r", "no")
	rejected.List = &driver.ListEntry{Group: "g1", Sort: "s", Fields: []byte("refused")}
	conflict(t, d, rejected, at(1, "r"))
	wantList(t, h, group("g1"), "s=Succeeded")
	cas(3, &driver.ListEntry{Group: "g1", Sort: "t", Fields: []byte("moved")})
	wantList(t, h, group("g1"), "t=moved")
	cas(4, &driver.ListEntry{Group: "g2", Sort: "t", Fields: []byte("away")})
	wantList(t, h, group("g1"))
	wantList(t, h, group("g2"), "t=away")
	cas(5, nil)
	wantList(t, h, group("g2"))
	cas(6, &driver.ListEntry{Group: "g2", Sort: "u"})
	wantList(t, h, group("g2"), "u=")
	put(t, d, listed(k, "g3", "v", "put"))
	wantList(t, h, group("g2"))
	wantList(t, h, group("g3"), "v=put")
	if err := d.Delete(t.Context(), k, nil); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	wantList(t, h, group("g3"))
}

func waking(k driver.Key, wake int64) driver.Row {
	row := plain(k, "data")
	row.Wake = wake
	return row
}

// wantDue waits until the wake index holds exactly these rows with Wake <= until.
func wantDue(t *testing.T, h Harness, until int64, limit int, want map[driver.Key]int64) {
	t.Helper()
	eventually(t, h, func() error {
		due, err := dueAll(t.Context(), h.Driver, until, limit)
		if err != nil {
			return err
		}
		got := make(map[driver.Key]int64)
		for _, row := range due {
			got[row.Key] = row.Wake
		}
		if len(due) != len(want) || !maps.Equal(got, want) {
			return fmt.Errorf("Due until %d: got %d rows, %.300v, want %d, %.300v", until, len(due),
				fmt.Sprint(got), len(want), fmt.Sprint(want))
		}
		return nil
	})
}

func dueOrder(t *testing.T, h Harness) {
	if n := h.Driver.Shards(); n < 1 {
		t.Fatalf("%d shards", n)
	}
	all := map[driver.Key]int64{}
	var rows []driver.Row
	for i, wake := range []int64{1, 255, 256, 65_536, 1_700_000_000_000, 1_700_000_000_001, 1 << 52,
		700, 700, 700} {
		k := key(fmt.Sprint("x#1#due", i), "a")
		rows = append(rows, waking(k, wake))
		all[k] = wake
	}
	rows = append(rows, waking(key("x#1#never", "a"), 0))
	put(t, h.Driver, rows...)
	for _, until := range []int64{0, 1, 2, 255, 256, 699, 700, 701, 1_700_000_000_000, 1 << 53,
		1<<63 - 1} {
		want := map[driver.Key]int64{}
		for k, wake := range all {
			if wake <= until {
				want[k] = wake
			}
		}
		for _, limit := range []int{1, 2, 100} {
			wantDue(t, h, until, limit, want)
		}
	}
}

func duePages(t *testing.T, h Harness) {
	want := map[driver.Key]int64{}
	var rows []driver.Row
	for i := range 90 {
		k := key(fmt.Sprint("x#1#duepage", i), "a")
		want[k] = int64(5000 + i/10) // pages also end between rows of the same wake time
		rows = append(rows, waking(k, want[k]))
	}
	put(t, h.Driver, rows...)
	for _, limit := range []int{1, 7, 90, 91} {
		wantDue(t, h, 6000, limit, want)
	}
	// A cursor stays valid while the rows that it has passed move.
	eventually(t, h, func() error {
		seen := 0
		for shard := range h.Driver.Shards() {
			for cursor := ""; ; {
				due, next, err := h.Driver.Due(t.Context(), shard, 6000, cursor, 10)
				if err != nil {
					return err
				}
				for _, row := range due {
					seen++
					put(t, h.Driver, waking(row.Key, 9000))
				}
				if cursor = next; cursor == "" {
					break
				}
			}
		}
		if seen < 90 {
			return fmt.Errorf("%d of 90 rows seen", seen)
		}
		return nil
	})
	wantDue(t, h, 6000, 10, map[driver.Key]int64{})
}

// dueFollowsRow: an entry moves and goes with its row, whichever call writes the row.
func dueFollowsRow(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#wakes", "a")
	one := func(wake int64) map[driver.Key]int64 { return map[driver.Key]int64{k: wake} }
	cas := func(version, wake int64) {
		t.Helper()
		row := state(k, version, "r", "data")
		row.Wake = wake
		cond := at(version-1, "r")
		if version == 1 {
			cond = absent(1)
		}
		commit(t, d, row, cond)
	}
	const far = 1 << 50
	cas(1, 100)
	wantDue(t, h, far, 10, one(100))
	cas(2, 100)
	wantDue(t, h, far, 10, one(100))
	cas(3, 50)
	wantDue(t, h, far, 10, one(50))
	cas(4, 200)
	wantDue(t, h, far, 10, one(200))
	wantDue(t, h, 199, 10, map[driver.Key]int64{})
	rejected := state(k, 9, "r", "no")
	rejected.Wake = 1
	conflict(t, d, rejected, at(1, "r"))
	wantDue(t, h, far, 10, one(200))
	cas(5, 0)
	wantDue(t, h, far, 10, map[driver.Key]int64{})
	cas(6, 300)
	put(t, d, waking(k, 400))
	wantDue(t, h, far, 10, one(400))
	if err := d.Delete(t.Context(), k, nil); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	wantDue(t, h, far, 10, map[driver.Key]int64{})
}

// dueShardsRaised: rows that were written while the wake index had fewer shards are found and move.
func dueShardsRaised(t *testing.T, h Harness) {
	before := h.Driver.Shards()
	want := map[driver.Key]int64{}
	write := func(i int, wake int64) {
		t.Helper()
		k := key(fmt.Sprint("x#1#shard", i), "a")
		put(t, h.Driver, waking(k, wake))
		want[k] = wake
	}
	for i := range 40 {
		write(i, 100)
	}
	h.Driver.SetShards(before - 1)
	if n := h.Driver.Shards(); n != before {
		t.Errorf("%d shards became %d", before, n)
	}
	h.Driver.SetShards(3 * before)
	if n := h.Driver.Shards(); n != 3*before && (n != 1 || before != 1) {
		t.Errorf("%d shards became %d", before, n)
	}
	wantDue(t, h, 1000, 7, want)
	for i := range 30 {
		write(20+i, 200) // some of them again
	}
	for i := 10; i < 30; i++ {
		k := key(fmt.Sprint("x#1#shard", i), "a")
		if err := h.Driver.Delete(t.Context(), k, nil); err != nil {
			t.Fatal(err)
		}
		delete(want, k)
	}
	wantDue(t, h, 1000, 7, want)
}

func dueBadArguments(t *testing.T, h Harness) {
	for _, shard := range []int{-1, h.Driver.Shards()} {
		if _, _, err := h.Driver.Due(t.Context(), shard, 1, "", 1); err == nil {
			t.Errorf("Due of shard %d returns nil", shard)
		}
	}
	for _, cursor := range []string{"x", "not a cursor", "🙂", "AAAA", "eyJhIjoxfQ"} {
		if _, _, err := h.Driver.Due(t.Context(), 0, 1, cursor, 1); err == nil {
			t.Errorf("Due with the cursor %q returns nil", cursor)
		}
	}
}
