package otsstore

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store"
)

// Due implements store.Driver. Rows of one wake time come in the order of their keys in the table. The cursor names the
// row to go on with.
func (s *Store) Due(ctx context.Context, shard int, until int64, cursor string, limit int) (due []store.DueRow, next string, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, "", err
	}
	defer s.leave()
	if shard < 0 || shard >= shards {
		return nil, "", fmt.Errorf("otsstore: no shard %d, there are %d", shard, shards)
	}
	q := s.query(IndexWake(s.o.Table), limit)
	if q.StartPrimaryKey, q.EndPrimaryKey = wakeBounds(shard, until); cursor != "" {
		from, err := decodeCursor(cursor)
		if err != nil || shardOf(from.Key.Partition) != shard {
			return nil, "", fmt.Errorf("otsstore: not a cursor of shard %d of the wake index: %.40q", shard, cursor)
		}
		if from.Wake > until {
			return nil, "", nil
		}
		q.StartPrimaryKey = wakeKey(shard, from.Wake, hashed(from.Key.Partition), from.Key.Sort)
	}
	found, nextKey, err := s.page(ctx, "GetRange wake", q, func(*reader) (skip, end bool) { return false, false })
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
	return due, encodeCursor(row), err
}

func dueRow(r *reader) (store.DueRow, error) {
	row := store.DueRow{Key: r.key(), Wake: r.number(colWake)}
	return row, r.err
}

func wakeKey(shard int, wake, partition, sort any) *tablestore.PrimaryKey {
	return primaryKey(column{colShard, int64(shard)}, column{colWake, wake}, column{colPartition, partition}, column{colSort, sort})
}

// wakeBounds are the bounds of what is due in a shard: the first is in, the second out.
func wakeBounds(shard int, until int64) (from, to *tablestore.PrimaryKey) {
	from = wakeKey(shard, lowest, lowest, lowest)
	if until == math.MaxInt64 {
		return from, wakeKey(shard, highest, highest, highest)
	}
	return from, wakeKey(shard, until+1, lowest, lowest)
}

// encodeCursor writes a row of the wake index: wake time, length of the partition, partition, sort key.
func encodeCursor(row store.DueRow) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(row.Wake))
	b = binary.AppendUvarint(b, uint64(len(row.Key.Partition)))
	b = append(append(b, row.Key.Partition...), row.Key.Sort...)
	return base64.RawURLEncoding.EncodeToString(b)
}

var errCursor = errors.New("otsstore: not a cursor")

func decodeCursor(cursor string) (store.DueRow, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 8 {
		return store.DueRow{}, errCursor
	}
	wake, b := int64(binary.BigEndian.Uint64(b)), b[8:]
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)-width) {
		return store.DueRow{}, errCursor
	}
	b = b[width:]
	key := store.Key{Partition: string(b[:n]), Sort: string(b[n:])}
	if wake == 0 || !utf8.Valid(b) || checkKeys(key) != nil {
		return store.DueRow{}, errCursor
	}
	return store.DueRow{Key: key, Wake: wake}, nil
}
