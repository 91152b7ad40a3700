package pebblestore

import (
	"bytes"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"millrace/shared/store/driver"
)

// CheckSpace checks the free space now.
func CheckSpace(s *Store) { s.checkSpace() }

// WithRetryInterval sets how long a write waits when the disk is full, and how long Pebble waits
// before it tries again.
func WithRetryInterval(o Options, d time.Duration) Options {
	o.retryInterval = d
	return o
}

// CountKeys returns how many keys the database holds, in all key spaces.
func CountKeys(t testing.TB, s *Store) (n int) {
	t.Helper()
	iter, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer iter.Close()
	for ok := iter.First(); ok; ok = iter.Next() {
		n++
	}
	return n
}

// SetRaw overwrites the bytes of a row behind the store's back.
func SetRaw(t testing.TB, s *Store, key driver.Key, value []byte) {
	t.Helper()
	if err := s.db.Set(rawKey(t, s, key), value, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	s.snapshots.replace(&snapshot{pebble: s.db.NewSnapshot(), nextPartitionID: 1 << 60})
}

// Raw returns the bytes of a row.
func Raw(t testing.TB, s *Store, key driver.Key) []byte {
	t.Helper()
	value, closer, err := s.db.Get(rawKey(t, s, key))
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	return bytes.Clone(value)
}

func rawKey(t testing.TB, s *Store, key driver.Key) []byte {
	t.Helper()
	number, err := readPartitionID(s.db, appendPartitionKey(nil, key.Partition))
	if err != nil || number == 0 {
		t.Fatalf("number of %q: %d, %v", key.Partition, number, err)
	}
	return appendRowKey(nil, number, key.Sort)
}

// EncodeRow encodes a row as the database holds it.
func EncodeRow(row driver.Row) []byte { return appendRow(nil, &row) }

// DecodeRow decodes what EncodeRow wrote.
func DecodeRow(key driver.Key, b []byte) (driver.Row, error) { return decodeRow(key, b) }

// DecodeListEntry decodes an entry of the list index.
func DecodeListEntry(
	key, value []byte,
) (sort, partition, rowSort string, fields []byte, err error) {
	return listEntry(key, value)
}

// EncodeListEntry returns the key and the value of an entry of the list index.
func EncodeListEntry(group, sort string, key driver.Key, fields []byte) (k, v []byte) {
	return appendListKey(nil, group, sort, 7, key.Sort), appendListValue(nil, key.Partition, fields)
}
