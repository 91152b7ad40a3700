package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"

	"millrace/shared/store/driver"
)

// rowFormat is the first byte of every row. The rest of format 1: flags, version, wake, expiry
// (signed varints), fence, with flagList group, sort and fields of the list entry (each with its
// length), and data up to the end. Pebble's checksums protect the bytes.
const rowFormat = 1

const flagList = 1

// ErrFormat is returned if this program cannot read the row. It never overwrites such a row.
var ErrFormat = errors.New(
	"pebblestore: a row of a format that this program does not know, it is left as it is")

var errDamagedRow = errors.New("pebblestore: damaged row")

func appendRow(b []byte, row *driver.Row) []byte {
	var flags byte
	if row.List != nil {
		flags |= flagList
	}
	b = append(b, rowFormat, flags)
	b = binary.AppendVarint(b, row.Version)
	b = binary.AppendVarint(b, row.Wake)
	b = binary.AppendVarint(b, row.Expires)
	b = appendCounted(b, row.Fence)
	if l := row.List; l != nil {
		b = appendCounted(b, l.Group)
		b = appendCounted(b, l.Sort)
		b = binary.AppendUvarint(b, uint64(len(l.Fields)))
		b = append(b, l.Fields...)
	}
	return append(b, row.Data...)
}

func appendCounted(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decodeRow decodes what appendRow wrote. The row shares memory with b, so the caller must own b.
func decodeRow(key driver.Key, b []byte) (driver.Row, error) {
	row := driver.Row{Key: key}
	if len(b) < 2 {
		return driver.Row{}, fmt.Errorf("%w %q", errDamagedRow, key)
	}
	if b[0] != rowFormat || b[1]&^flagList != 0 {
		return driver.Row{}, fmt.Errorf("%w: %q, format %d", ErrFormat, key, b[0])
	}
	flags := b[1]
	d := decoder{rest: b[2:]}
	row.Version = d.varint()
	row.Wake = d.varint()
	row.Expires = d.varint()
	row.Fence = string(d.counted())
	if flags&flagList != 0 {
		row.List = &driver.ListEntry{Group: string(d.counted()), Sort: string(d.counted()),
			Fields: d.counted()}
	}
	if d.failed {
		return driver.Row{}, fmt.Errorf("%w %q", errDamagedRow, key)
	}
	row.Data = d.rest[:len(d.rest):len(d.rest)]
	return row, nil
}

// decoder reads the parts of a row. After a failure it returns zero values.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) counted() []byte {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > uint64(len(d.rest)-n) {
		d.fail()
		return nil
	}
	end := n + int(v)
	part := d.rest[n:end:end]
	d.rest = d.rest[end:]
	return part
}

func (d *decoder) fail() { d.rest, d.failed = nil, true }

// rowHeader is what a write must know of the row that it replaces.
type rowHeader struct {
	present bool
	version int64
	fence   string
	wake    int64
	expires int64
	list    *driver.ListEntry
}

func headerOf(row *driver.Row) rowHeader {
	return rowHeader{present: true, version: row.Version, fence: row.Fence, wake: row.Wake,
		expires: row.Expires, list: row.List}
}

// clone returns a copy that may be kept: it shares no memory with the caller's row. It shares the
// parts that are equal in before.
func (h rowHeader) clone(before rowHeader) rowHeader {
	if h.fence == before.fence {
		h.fence = before.fence
	}
	if l := h.list; l != nil {
		if equalListEntries(l, before.list) {
			h.list = before.list
		} else {
			h.list = &driver.ListEntry{Group: l.Group, Sort: l.Sort,
				Fields: append([]byte(nil), l.Fields...)}
		}
	}
	return h
}

func equalListEntries(a, b *driver.ListEntry) bool {
	if a == nil || b == nil {
		return a == b
	}
	return sameIndexKey(a, b) && string(a.Fields) == string(b.Fields)
}

// sameIndexKey reports whether both entries have the same key in the index.
func sameIndexKey(a, b *driver.ListEntry) bool {
	return a != nil && b != nil && a.Sort == b.Sort && a.Group == b.Group
}

// satisfies reports whether the row meets the condition.
func (h rowHeader) satisfies(c *driver.Condition) bool {
	if c.Absent {
		return !h.present || h.expires != 0 && h.expires <= c.Now
	}
	return h.present && h.version == c.Version && h.fence == c.Fence
}

func checkRow(row *driver.Row) error {
	if err := checkKey(row.Partition, row.Sort); err != nil {
		return err
	}
	if row.Wake < 0 {
		return fmt.Errorf("pebblestore: row %q wakes before 1970: %d", row.Key, row.Wake)
	}
	size := len(row.Data) + len(row.Fence)
	if l := row.List; l != nil {
		if len(l.Group) > keyMax || len(l.Sort) > keyMax {
			return fmt.Errorf("pebblestore: list entry of %d + %d bytes, at most %d each",
				len(l.Group), len(l.Sort), keyMax)
		}
		size += len(l.Fields)
	}
	if size > dataMax {
		return fmt.Errorf("pebblestore: row %q of %d bytes, at most %d", row.Key, size, dataMax)
	}
	return nil
}
