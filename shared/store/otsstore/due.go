package otsstore

import (
	"context"
	"fmt"
	"math"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
)

// Due implements driver.Driver. Rows with the same wake time are ordered by their keys in the
// table.
// The cursor names the next row.
func (s *Store) Due(
	ctx context.Context, shard int, until int64, cursor string, limit int,
) (due []driver.DueRow, next string, err error) {
	if err := s.beginCall(ctx); err != nil {
		return nil, "", err
	}
	defer s.endCall()
	if shard < 0 || shard >= s.Shards() {
		return nil, "", fmt.Errorf("otsstore: no shard %d, there are %d", shard, s.Shards())
	}
	q := s.query(IndexWake(s.o.Table), limit)
	if q.StartPrimaryKey, q.EndPrimaryKey = wakeBounds(shard, until); cursor != "" {
		from, ok := driver.ParseCursor(cursor, shard)
		if !ok || checkKeys(from.Key) != nil {
			return nil, "", fmt.Errorf(
				"otsstore: not a cursor of shard %d of the wake index: %.40q", shard, cursor)
		}
		if from.Wake > until {
			return nil, "", nil
		}
		q.StartPrimaryKey = wakeKey(shard, from.Wake, hashed(from.Key.Partition), from.Key.Sort)
	}
	found, nextKey, err := s.page(ctx, "GetRange wake", q,
		func(*reader) (skip, end bool) { return false, false })
	if err != nil {
		return nil, "", err
	}
	for _, f := range found {
		row, err := dueRow(f)
		if err != nil {
			return nil, "", err
		}
		due = append(due, row)
	}
	if nextKey == nil {
		return due, "", nil
	}
	row, err := dueRow(newReader(nextKey, nil))
	return due, row.Cursor(shard), err
}

func dueRow(r *reader) (driver.DueRow, error) {
	row := driver.DueRow{Key: r.key(), Wake: r.number(colWake)}
	return row, r.err
}

func wakeKey(shard int, wake, partition, sort any) *tablestore.PrimaryKey {
	return primaryKey(column{colShard, int64(shard)}, column{colWake, wake},
		column{colPartition, partition}, column{colSort, sort})
}

// wakeBounds returns the bounds of the rows that are due in a shard; from is inclusive, to is
// exclusive.
func wakeBounds(shard int, until int64) (from, to *tablestore.PrimaryKey) {
	from = wakeKey(shard, lowest, lowest, lowest)
	if until == math.MaxInt64 {
		return from, wakeKey(shard, highest, highest, highest)
	}
	return from, wakeKey(shard, until+1, lowest, lowest)
}
