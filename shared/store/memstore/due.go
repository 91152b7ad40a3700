package memstore

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"millrace/shared/store/driver"
)

// List implements driver.Driver. Here it does not lag.
func (s *Store) List(
	ctx context.Context, l driver.ListRange,
) (entries []driver.Listed, more bool, err error) {
	err = s.do(ctx, OpList, driver.Key{Partition: l.Group, Sort: l.From}, func() error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.closed {
			return ErrClosed
		}
		list := s.lists[l.Group]
		if list == nil {
			return nil
		}
		lo, hi := list.lowerBound(listKey{sort: l.From}), list.len()
		if l.To != "" {
			hi = list.lowerBound(listKey{sort: l.To})
		}
		var page []entry[listKey, *driver.ListEntry]
		page, more = list.page(lo, hi, s.limitPage(l.Limit), l.Reverse)
		for _, e := range page {
			entries = append(entries, driver.Listed{Key: e.key.key, Sort: e.key.sort,
				Fields: e.value.Fields})
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return entries, more, nil
}

// Due implements driver.Driver. Here it does not lag.
func (s *Store) Due(
	ctx context.Context, shard int, until int64, cursor string, limit int,
) (due []driver.DueRow, next string, err error) {
	err = s.do(ctx, OpDue, driver.Key{}, func() error {
		if shard < 0 || shard >= s.Shards() {
			return fmt.Errorf("memstore: no shard %d, there are %d", shard, s.Shards())
		}
		after, err := decodeCursor(cursor)
		if err != nil {
			return err
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.closed {
			return ErrClosed
		}
		if shard >= len(s.wakes) {
			return nil
		}
		wakes := s.wakes[shard]
		lo, found := wakes.find(after)
		if found {
			lo++
		}
		hi := wakes.len()
		if until < math.MaxInt64 {
			hi = wakes.lowerBound(wakeKey{wake: until + 1})
		}
		page, more := wakes.page(lo, hi, s.limitPage(limit), false)
		for _, e := range page {
			due = append(due, driver.DueRow{Key: e.key.key, Wake: e.key.wake})
		}
		if more {
			next = encodeCursor(page[len(page)-1].key)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return due, next, nil
}

func encodeCursor(k wakeKey) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(k.wake))
	b = binary.AppendUvarint(b, uint64(len(k.key.Partition)))
	b = append(append(b, k.key.Partition...), k.key.Sort...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor decodes what encodeCursor wrote. The empty cursor is before all entries.
func decodeCursor(cursor string) (wakeKey, error) {
	if cursor == "" {
		return wakeKey{}, nil
	}
	bad := fmt.Errorf("memstore: not a cursor of the wake index: %.40q", cursor)
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 8 {
		return wakeKey{}, bad
	}
	wake, b := int64(binary.BigEndian.Uint64(b)), b[8:]
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return wakeKey{}, bad
	}
	b = b[size:]
	return wakeKey{wake, driver.Key{Partition: string(b[:n]), Sort: string(b[n:])}}, nil
}
