package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"millrace/shared/store/driver"
)

// rowFields: both ways of reading return a row as it was written.
func rowFields(t *testing.T, h Harness) {
	d := h.Driver
	full := driver.Row{
		Key: key("x#1#fields", "a"), Version: 1 << 40, Fence: "r\u00e9-1",
		Data: []byte{0, 1, 2, 0xff, 0xfe},
		Wake: 1_700_000_000_123, Expires: 1_800_000_000_456,
		List: &driver.ListEntry{Group: "g#0", Sort: "2024#n", Fields: []byte{0, 0xff}},
	}
	bare := plain(key("x#1#fields", "b"), "")
	commit(t, d, full, absent(1), bare)
	for _, want := range []driver.Row{full, bare} {
		same(t, get(t, d, want.Key), want)
		rows, _, err := d.Range(t.Context(),
			driver.Range{Partition: want.Partition, From: want.Sort, Limit: 1})
		if err != nil || len(rows) != 1 {
			t.Fatalf("Range: %d rows, %v", len(rows), err)
		}
		same(t, rows[0], want)
	}
}

func same(t *testing.T, got, want driver.Row) {
	t.Helper()
	if got.Key != want.Key || got.Version != want.Version || got.Fence != want.Fence ||
		got.Wake != want.Wake ||
		got.Expires != want.Expires || !bytes.Equal(got.Data, want.Data) ||
		(got.List == nil) != (want.List == nil) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if g, w := got.List, want.List; w != nil &&
		(g.Group != w.Group || g.Sort != w.Sort || !bytes.Equal(g.Fields, w.Fields)) {
		t.Fatalf("got list entry %+v, want %+v", g, w)
	}
}

func putOverwrites(t *testing.T, h Harness) {
	d := h.Driver
	put(t, d)
	var rows []driver.Row
	for i := range 60 {
		rows = append(rows, plain(key(fmt.Sprint("x#1#p", i%7), fmt.Sprint("v", i)),
			fmt.Sprint("data", i)))
	}
	put(t, d, rows...)
	for _, row := range rows {
		wantData(t, d, row.Key, 0, "", string(row.Data))
	}
	put(t, d, plain(rows[3].Key, "again"))
	put(t, d, rows[4]) // a second writer writes the same bytes
	wantData(t, d, rows[3].Key, 0, "", "again")
	wantData(t, d, rows[4].Key, 0, "", "data4")
}

func deleteRows(t *testing.T, h Harness) {
	d, a, b := h.Driver, key("x#1#del", "a"), key("x#1#del", "b")
	if err := d.Delete(t.Context(), a, nil); err != nil {
		t.Fatalf("Delete of a missing row: %v", err)
	}
	put(t, d, plain(a, "a"), plain(b, "b"))
	if err := d.Delete(t.Context(), a, nil); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	missing(t, d, a)
	if got := sorts(t, d, driver.Range{Partition: "x#1#del"}); !slices.Equal(got, []string{"b"}) {
		t.Fatalf("rows left: %q", got)
	}
	if err := d.Delete(t.Context(), a, nil); err != nil {
		t.Fatalf("Delete again: %v", err)
	}
	commit(t, d, state(a, 1, "r", "new"), absent(1))
	wantData(t, d, a, 1, "r", "new")
}

func deleteUnderCondition(t *testing.T, h Harness) {
	d, k := h.Driver, key("x#1#delif", "a")
	reject := func(c driver.Condition) {
		t.Helper()
		if err := d.Delete(t.Context(), k, &c); !errors.Is(err, driver.ErrConflict) {
			t.Fatalf("Delete under %+v: %v, want ErrConflict", c, err)
		}
	}
	reject(at(1, "r"))
	row := state(k, 2, "r", "two")
	row.Expires = 1000
	commit(t, d, row, absent(1))
	reject(at(1, "r"))
	reject(at(2, "s"))
	reject(absent(999))
	wantData(t, d, k, 2, "r", "two")
	c := at(2, "r")
	if err := d.Delete(t.Context(), k, &c); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	missing(t, d, k)

	// An expired row counts as absent, so a delete with that condition removes it.
	commit(t, d, row, absent(1))
	c = absent(1000)
	if err := d.Delete(t.Context(), k, &c); err != nil {
		t.Fatalf("Delete of an expired row: %v", err)
	}
	missing(t, d, k)
}

// emptiedPartition: a partition that has lost all its rows starts again.
func emptiedPartition(t *testing.T, h Harness) {
	d, p := h.Driver, "x#1#emptied"
	for round := range 3 {
		commit(t, d, state(key(p, "a"), 1, fmt.Sprint("r", round), ""), absent(1),
			plain(key(p, fmt.Sprint("h", round)), ""))
		if got := sorts(
			t, d, driver.Range{Partition: p},
		); !slices.Equal(got, []string{"a", fmt.Sprint("h", round)}) {
			t.Fatalf("round %d: rows %q", round, got)
		}
		for _, s := range []string{"a", fmt.Sprint("h", round)} {
			if err := d.Delete(t.Context(), key(p, s), nil); err != nil {
				t.Fatalf("Delete: %v", err)
			}
			missing(t, d, key(p, s))
		}
		if got := sorts(t, d, driver.Range{Partition: p}); len(got) != 0 {
			t.Fatalf("round %d: rows left: %q", round, got)
		}
		conflict(t, d, state(key(p, "a"), 2, "r", "no"), at(1, fmt.Sprint("r", round)))
	}
	commit(t, d, state(key(p, "a"), 1, "last", "data"), absent(1))
	if h.Reopen != nil {
		d = h.Reopen()
	}
	wantData(t, d, key(p, "a"), 1, "last", "data")
}

// ordered are sort keys, ordered by their bytes.
var ordered = []string{" ", "A", "a", "a#", "a0", "aa", "b", "b#run#0000000001", "b#run#0000000010",
	"b#run#1", "h#", "z", "~", "é", "日", "🙂"}

func rangeOrder(t *testing.T, h Harness) {
	d, p := h.Driver, "x#1#order"
	var rows []driver.Row
	for i := range ordered {
		rows = append(rows, plain(key(p, ordered[(i*7)%len(ordered)]), ""))
	}
	// Neighbours that must not be returned.
	for _, near := range []string{"x#1#orde", "x#1#order#", "x#1#order ", "x#1#ordes",
		"x#1#orderé"} {
		rows = append(rows, plain(key(near, "b"), ""))
	}
	put(t, d, rows...)
	for _, c := range []struct {
		from, to string
		want     []string
	}{
		{"", "", ordered},
		{"a", "c", ordered[2:10]},
		{"a", "b#", ordered[2:7]},
		{"b#", "b$", ordered[7:10]},
		{"b", "b", nil},
		{"c", "a", nil},
		{"aa", "", ordered[5:]},
		{"", "a", ordered[:2]},
		{"日", "", ordered[14:]},
		{"🙂🙂", "", nil},
	} {
		for _, limit := range []int{0, 1, 3, 100} {
			r := driver.Range{Partition: p, From: c.from, To: c.to, Limit: limit}
			if got := sorts(t, d, r); !slices.Equal(got, c.want) {
				t.Errorf("Range %+v: got %q, want %q", r, got, c.want)
			}
			r.Reverse = true
			want := slices.Clone(c.want)
			slices.Reverse(want)
			if got := sorts(t, d, r); !slices.Equal(got, want) {
				t.Errorf("Range %+v: got %q, want %q", r, got, want)
			}
		}
	}
	if got := sorts(t, d, driver.Range{Partition: "x#1#nobody"}); len(got) != 0 {
		t.Errorf("an unknown partition has rows: %q", got)
	}
}

func rangePages(t *testing.T, h Harness) {
	d, p := h.Driver, "x#1#pages"
	var rows []driver.Row
	var want []string
	for i := range 100 {
		s := fmt.Sprintf("h#%04d", i)
		want = append(want, s)
		rows = append(rows, plain(key(p, s), strings.Repeat("d", 1000)))
	}
	put(t, d, rows...)
	for _, limit := range []int{1, 7, 50, 99, 100, 101} {
		if got := sorts(t, d, driver.Range{Partition: p, Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("limit %d: %d rows in all", limit, len(got))
		}
	}
	// A page that does not reach the end reports more.
	if rows, more, err := d.Range(t.Context(), driver.Range{Partition: p, Limit: 40}); err != nil ||
		len(rows) == 0 || !more {
		t.Errorf("the first page: %d rows, more %v, %v", len(rows), more, err)
	}
}

// oddKeys: the separators of Millrace's keys may occur inside their parts, and keys need not be
// ASCII.
func oddKeys(t *testing.T, h Harness) {
	d := h.Driver
	keys := []driver.Key{
		key("x#1#a:b#c", "a"), key("x#1#a", "b#c"), key("x#1#a:b", "#c"),
		key("x:1", "a"), key("x#1#a:b#", "c"),
		key("ü#日本#🙂", "ключ"), key("ü#日本", "#🙂ключ"), key("p", "q"), key("pq", "r"), key("p", "qr"),
		key("x%231", "a"), key("x/1", "../a"), key("x\n1", "a\tb"),
		key(strings.Repeat("p", 1000), strings.Repeat("s", 900)),
	}
	for i, k := range keys {
		row := state(k, 1, "r", fmt.Sprint(i))
		row.Wake = int64(1000 + i)
		row.List = &driver.ListEntry{Group: k.Partition, Sort: k.Sort, Fields: row.Data}
		commit(t, d, row, absent(1))
	}
	for i, k := range keys {
		wantData(t, d, k, 1, "r", fmt.Sprint(i))
	}
	eventually(t, h, func() error {
		due, err := dueAll(t.Context(), d, 5000, 3)
		if err != nil {
			return err
		}
		found := make(map[driver.Key]int64)
		for _, row := range due {
			found[row.Key] = row.Wake
		}
		for i, k := range keys {
			if found[k] != int64(1000+i) {
				return fmt.Errorf("the wake index has %q at %d, want %d", k, found[k], 1000+i)
			}
			list, err := listAll(t.Context(), d,
				driver.ListRange{Group: k.Partition, From: k.Sort, To: k.Sort + "\x00"})
			if err != nil {
				return err
			}
			if len(list) != 1 || list[0].Key != k || list[0].Sort != k.Sort ||
				string(list[0].Fields) != fmt.Sprint(i) {
				return fmt.Errorf("the list index has %+v for %q", list, k)
			}
		}
		return nil
	})
}

func largeRows(t *testing.T, h Harness) {
	d, p := h.Driver, "x#1#large"
	large := func(seed byte) string {
		b := make([]byte, h.MaxData)
		for i := range b {
			b[i] = byte(i*7+i>>8) + seed
		}
		return string(b)
	}
	var puts []driver.Row
	for i := range 5 {
		puts = append(puts, plain(key(p, fmt.Sprint("v#", i)), large(byte(i))))
	}
	commit(t, d, state(key(p, "a"), 1, "r", large(99)), absent(1), puts...)
	wantData(t, d, key(p, "a"), 1, "r", large(99))
	rows, err := rangeAll(t.Context(), d, driver.Range{Partition: p, From: "v#", To: "v$"})
	if err != nil || len(rows) != 5 {
		t.Fatalf("Range: %d rows, %v", len(rows), err)
	}
	for i, row := range rows {
		if string(row.Data) != large(byte(i)) {
			t.Fatalf("row %d has changed", i)
		}
	}
	commit(t, d, state(key(p, "a"), 2, "r", "small"), at(1, "r"))
	wantData(t, d, key(p, "a"), 2, "r", "small")
}
