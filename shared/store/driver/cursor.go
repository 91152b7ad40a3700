package driver

import (
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"
)

// Cursor encodes where a page of the wake index ended, for drivers whose index continues after a
// row of a shard: wake time, shard, length of the partition, partition, sort key.
func (r DueRow) Cursor(shard int) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(r.Wake))
	b = binary.AppendUvarint(b, uint64(shard))
	b = binary.AppendUvarint(b, uint64(len(r.Key.Partition)))
	b = append(append(b, r.Key.Partition...), r.Key.Sort...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor decodes a cursor of a shard. ok is false for text that Cursor cannot have written for
// it: without a wake time, or with a key that is not UTF-8.
func ParseCursor(cursor string, shard int) (DueRow, bool) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 8 {
		return DueRow{}, false
	}
	wake, b := int64(binary.BigEndian.Uint64(b)), b[8:]
	of, width := binary.Uvarint(b)
	if width <= 0 || of != uint64(shard) {
		return DueRow{}, false
	}
	b = b[width:]
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)-width) {
		return DueRow{}, false
	}
	b = b[width:]
	if wake == 0 || !utf8.Valid(b) {
		return DueRow{}, false
	}
	return DueRow{Key: Key{Partition: string(b[:n]), Sort: string(b[n:])}, Wake: wake}, true
}
