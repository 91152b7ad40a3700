package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"millrace/shared/store/driver"
)

func key(partition, sort string) driver.Key { return driver.Key{Partition: partition, Sort: sort} }

// state returns a row for a compare-and-set.
func state(k driver.Key, version int64, fence, data string) driver.Row {
	return driver.Row{Key: k, Version: version, Fence: fence, Data: []byte(data)}
}

// plain returns a row for a put.
func plain(k driver.Key, data string) driver.Row { return driver.Row{Key: k, Data: []byte(data)} }

func at(version int64, fence string) driver.Condition {
	return driver.Condition{Version: version, Fence: fence}
}

func absent(now int64) driver.Condition { return driver.Condition{Absent: true, Now: now} }

func put(t *testing.T, d driver.Driver, rows ...driver.Row) {
	t.Helper()
	if err := d.Put(t.Context(), rows); err != nil {
		t.Fatalf("Put: %v", err)
	}
}

func commit(
	t *testing.T, d driver.Driver, cas driver.Row, cond driver.Condition, puts ...driver.Row,
) {
	t.Helper()
	if err := d.Commit(t.Context(), puts, cas, cond); err != nil {
		t.Fatalf("Commit of %q version %d: %v", cas.Key, cas.Version, err)
	}
}

func conflict(
	t *testing.T, d driver.Driver, cas driver.Row, cond driver.Condition, puts ...driver.Row,
) {
	t.Helper()
	if err := d.Commit(t.Context(), puts, cas, cond); !errors.Is(err, driver.ErrConflict) {
		t.Fatalf("Commit of %q under %+v: got %v, want ErrConflict", cas.Key, cond, err)
	}
}

func get(t *testing.T, d driver.Driver, k driver.Key) driver.Row {
	t.Helper()
	row, err := d.Get(t.Context(), k)
	if err != nil {
		t.Fatalf("Get %q: %v", k, err)
	}
	if row.Key != k {
		t.Fatalf("Get %q returns the row %q", k, row.Key)
	}
	return row
}

func missing(t *testing.T, d driver.Driver, k driver.Key) {
	t.Helper()
	if row, err := d.Get(t.Context(), k); !errors.Is(err, driver.ErrNotFound) {
		t.Fatalf("Get %q: got %q, %v, want ErrNotFound", k, row.Data, err)
	}
}

func wantData(t *testing.T, d driver.Driver, k driver.Key, version int64, fence, data string) {
	t.Helper()
	row := get(t, d, k)
	if row.Version != version || row.Fence != fence || string(row.Data) != data {
		t.Fatalf("row %q: got version %d, fence %q, %.40q, want %d, %q, %.40q",
			k, row.Version, row.Fence, row.Data, version, fence, data)
	}
}

// rangeAll reads all pages of a range and checks the promises of a page.
func rangeAll(ctx context.Context, d driver.Driver, r driver.Range) ([]driver.Row, error) {
	var all []driver.Row
	for page := 0; ; page++ {
		if page > 10_000 {
			return nil, errors.New("Range never comes to an end")
		}
		rows, more, err := d.Range(ctx, r)
		if err != nil {
			return nil, err
		}
		if r.Limit > 0 && len(rows) > r.Limit {
			return nil, fmt.Errorf("Range with limit %d returns %d rows", r.Limit, len(rows))
		}
		all = append(all, rows...)
		if !more {
			return all, nil
		}
		if len(rows) == 0 {
			return nil, errors.New("Range returns no rows, but more")
		}
		last := rows[len(rows)-1].Sort
		if r.Reverse {
			r.To = last
		} else {
			r.From = last + "\x00"
		}
	}
}

func sorts(t *testing.T, d driver.Driver, r driver.Range) []string {
	t.Helper()
	rows, err := rangeAll(t.Context(), d, r)
	if err != nil {
		t.Fatalf("Range %+v: %v", r, err)
	}
	var out []string
	for _, row := range rows {
		if row.Partition != r.Partition {
			t.Fatalf("Range of %q returns a row of %q", r.Partition, row.Partition)
		}
		out = append(out, row.Sort)
	}
	return out
}

// listAll reads all pages of a list.
func listAll(ctx context.Context, d driver.Driver, l driver.ListRange) ([]driver.Listed, error) {
	var all []driver.Listed
	for page := 0; ; page++ {
		if page > 10_000 {
			return nil, errors.New("List never comes to an end")
		}
		entries, more, err := d.List(ctx, l)
		if err != nil {
			return nil, err
		}
		if l.Limit > 0 && len(entries) > l.Limit {
			return nil, fmt.Errorf("List with limit %d returns %d entries", l.Limit, len(entries))
		}
		all = append(all, entries...)
		if !more {
			return all, nil
		}
		if len(entries) == 0 {
			return nil, errors.New("List returns no entries, but more")
		}
		last := entries[len(entries)-1].Sort
		if l.Reverse {
			l.To = last
		} else {
			l.From = last + "\x00"
		}
	}
}

// dueAll reads all shards of the wake index to the end, in pages, and checks their order.
func dueAll(ctx context.Context, d driver.Driver, until int64, limit int) ([]driver.DueRow, error) {
	var all []driver.DueRow
	for shard := range d.Shards() {
		cursor, last := "", int64(math.MinInt64)
		for page := 0; ; page++ {
			if page > 10_000 {
				return nil, errors.New("Due never comes to an end")
			}
			due, next, err := d.Due(ctx, shard, until, cursor, limit)
			if err != nil {
				return nil, err
			}
			if limit > 0 && len(due) > limit {
				return nil, fmt.Errorf("Due with limit %d returns %d rows", limit, len(due))
			}
			for _, row := range due {
				if row.Wake < last || row.Wake > until {
					return nil, fmt.Errorf("Due until %d returns wake %d after %d", until, row.Wake,
						last)
				}
				last = row.Wake
			}
			all = append(all, due...)
			if next == "" {
				break
			}
			cursor = next
		}
	}
	return all, nil
}

// eventually repeats check until it returns nil or the driver's lag is over.
func eventually(t *testing.T, h Harness, check func() error) {
	t.Helper()
	for end := time.Now().Add(h.Lag); ; time.Sleep(20 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
