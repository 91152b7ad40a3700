package pebblestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"millrace/shared/store/driver"
)

// pageBytes bounds a page of Range, List and Due, whatever the limit is. A page has at least one
// row.
const pageBytes = 4 << 20

// snapshot is the durable state of the database after some group.
type snapshot struct {
	pebble          *pebble.Snapshot
	nextPartitionID uint64 // later groups assigned the numbers from this one on
	refs            int    // number of readers, plus 1 while it is the newest
}

// snapshots lends the newest snapshot to readers. A snapshot is closed when its last reader is
// done.
type snapshots struct {
	mu     sync.Mutex
	newest *snapshot
	open   sync.WaitGroup
}

// replace makes w the newest snapshot.
func (v *snapshots) replace(w *snapshot) {
	v.open.Add(1)
	w.refs = 1
	v.mu.Lock()
	before := v.newest
	v.newest = w
	v.mu.Unlock()
	if before != nil {
		v.release(before)
	}
}

// acquire returns the newest snapshot, nil after close. The caller must release it.
func (v *snapshots) acquire() *snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.newest != nil {
		v.newest.refs++
	}
	return v.newest
}

func (v *snapshots) release(w *snapshot) {
	v.mu.Lock()
	w.refs--
	last := w.refs == 0
	v.mu.Unlock()
	if last {
		w.pebble.Close()
		v.open.Done()
	}
}

// close lends no more snapshots and waits for those in use.
func (v *snapshots) close() {
	v.mu.Lock()
	newest := v.newest
	v.newest = nil
	v.mu.Unlock()
	if newest != nil {
		v.release(newest)
	}
	v.open.Wait()
}

// withSnapshot runs read on the newest snapshot.
func (s *Store) withSnapshot(ctx context.Context, read func(v *snapshot) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.failure.get(); err != nil {
		return err
	}
	v := s.snapshots.acquire()
	if v == nil {
		return ErrClosed
	}
	defer s.snapshots.release(v)
	return read(v)
}

// partitionID returns the number of a partition in a snapshot, 0 if it has none. The cache may be
// newer than the snapshot. A cached number that the snapshot does not know yet is ignored. One that
// it knows is right, because the committer removes a number from the cache before a snapshot
// without it appears.
func (s *Store) partitionID(v *snapshot, partition string) (uint64, error) {
	if number, ok := s.partitions.peek(partition); ok && number < v.nextPartitionID {
		return number, nil
	}
	var buf [128]byte
	return readPartitionID(v.pebble, appendPartitionKey(buf[:0], partition))
}

// Get implements driver.Driver.
func (s *Store) Get(ctx context.Context, key driver.Key) (row driver.Row, err error) {
	err = s.withSnapshot(ctx, func(v *snapshot) error {
		number, err := s.partitionID(v, key.Partition)
		if err != nil {
			return err
		}
		if number == 0 {
			return driver.ErrNotFound
		}
		var buf [128]byte
		value, closer, err := v.pebble.Get(appendRowKey(buf[:0], number, key.Sort))
		if errors.Is(err, pebble.ErrNotFound) {
			return driver.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("pebblestore: read %q: %w", key, err)
		}
		defer closer.Close()
		row, err = decodeRow(key, bytes.Clone(value))
		return err
	})
	return row, err
}

// readRowHeader reads the part of a row that a write must know.
func readRowHeader(from getter, key []byte, name driver.Key) (rowHeader, error) {
	value, closer, err := from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return rowHeader{}, nil
	}
	if err != nil {
		return rowHeader{}, fmt.Errorf("pebblestore: read %q: %w", name, err)
	}
	defer closer.Close()
	row, err := decodeRow(name, value)
	if err != nil {
		return rowHeader{}, err
	}
	return headerOf(&row).clone(rowHeader{}), nil
}

// Range implements driver.Driver. A page is also limited to 4 MiB.
func (s *Store) Range(
	ctx context.Context, r driver.Range,
) (rows []driver.Row, more bool, err error) {
	err = s.withSnapshot(ctx, func(v *snapshot) error {
		number, err := s.partitionID(v, r.Partition)
		if err != nil || number == 0 {
			return err
		}
		prefix := appendRowKey(nil, number, "")
		lower, upper, ok := rangeBounds(prefix, r.From, r.To, appendPlain)
		if !ok {
			return nil
		}
		more, err = page(ctx, v, lower, upper, r.Limit, r.Reverse, func(key, value []byte) error {
			k := driver.Key{Partition: r.Partition, Sort: string(key[len(prefix):])}
			row, err := decodeRow(k, bytes.Clone(value))
			rows = append(rows, row)
			return err
		})
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return rows, more, nil
}

func appendPlain(b []byte, s string) []byte { return append(b, s...) }

// List implements driver.Driver. A page is also limited to 4 MiB.
func (s *Store) List(
	ctx context.Context, l driver.ListRange,
) (entries []driver.Listed, more bool, err error) {
	err = s.withSnapshot(ctx, func(v *snapshot) error {
		lower, upper, ok := rangeBounds(appendText([]byte{spaceList}, l.Group), l.From, l.To,
			appendEscaped)
		if !ok {
			return nil
		}
		more, err = page(ctx, v, lower, upper, l.Limit, l.Reverse, func(key, value []byte) error {
			sort, partition, rowSort, fields, err := listEntry(key, value)
			entries = append(entries, driver.Listed{
				Key: driver.Key{Partition: partition, Sort: rowSort}, Sort: sort, Fields: fields})
			return err
		})
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return entries, more, nil
}

// Due implements driver.Driver. The only shard is 0. A page is also limited to 4 MiB.
func (s *Store) Due(
	ctx context.Context, shard int, until int64, cursor string, limit int,
) (due []driver.DueRow, next string, err error) {
	err = s.withSnapshot(ctx, func(v *snapshot) error {
		if shard != 0 {
			return fmt.Errorf("pebblestore: no shard %d, there is only 0", shard)
		}
		lower, upper, ok, err := wakeBounds(until, cursor)
		if err != nil || !ok {
			return err
		}
		var last []byte
		more, err := page(ctx, v, lower, upper, limit, false, func(key, value []byte) error {
			wake, sort, err := wakeEntry(key)
			due = append(due, driver.DueRow{Key: driver.Key{Partition: string(value), Sort: sort},
				Wake: wake})
			last = append(last[:0], key...)
			return err
		})
		if more {
			next = encodeCursor(last)
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return due, next, nil
}

// page calls each for the entries with lower <= key < upper, in order or in reverse, up to limit
// entries (0: no limit) and pageBytes. more reports whether entries are left.
func page(
	ctx context.Context, v *snapshot, lower, upper []byte, limit int, reverse bool,
	each func(key, value []byte) error,
) (more bool, err error) {
	iter, err := v.pebble.NewIterWithContext(ctx,
		&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return false, fmt.Errorf("pebblestore: read: %w", err)
	}
	defer iter.Close()
	first, next := iter.First, iter.Next
	if reverse {
		first, next = iter.Last, iter.Prev
	}
	bytes := 0
	for n, ok := 0, first(); ok; n, ok = n+1, next() {
		if n > 0 && (limit > 0 && n >= limit || bytes >= pageBytes) {
			return true, nil
		}
		if n%1000 == 999 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		value, err := iter.ValueAndErr()
		if err != nil {
			return false, fmt.Errorf("pebblestore: read: %w", err)
		}
		if err := each(iter.Key(), value); err != nil {
			return false, err
		}
		bytes += len(iter.Key()) + len(value)
	}
	if err := iter.Error(); err != nil {
		return false, fmt.Errorf("pebblestore: read: %w", err)
	}
	return false, nil
}
