// Package plainbuffer reads and writes the row format of TableStore's API: a header, then rows of
// cells with checksums. It uses nothing of the official SDKs, which cross-check it.
//
//	row   = 01 cell… [02 cell…] [08] 09 crc         key, columns, delete marker
//	cell  = 03 04 len name [05 len value] [06 op] [07 timestamp] 0A crc
//	value = kind data; data of strings and blobs begins with its length
//
// Numbers are little-endian; lengths have four bytes. The checksums are CRC-8 with polynomial 07.
// That of a cell covers name, value, timestamp and op. That of a row covers the checksums of its
// cells and a last byte, 1 for a delete marker, else 0.
package plainbuffer

import "encoding/binary"

const header = 0x75

const (
	tagKey       = 0x01
	tagColumns   = 0x02
	tagCell      = 0x03
	tagName      = 0x04
	tagValue     = 0x05
	tagOp        = 0x06
	tagTimestamp = 0x07
	tagDelete    = 0x08
	tagRowCRC    = 0x09
	tagCellCRC   = 0x0a
)

// Op is what an update does with a column.
type Op byte

// The operations.
const (
	Put       Op = 0x00 // writes the column; not on the wire
	DeleteAll Op = 0x01 // all versions
	DeleteOne Op = 0x03 // the version of the timestamp
	Increment Op = 0x04
)

// Cell is a column of a row: a key column or an attribute column.
type Cell struct {
	Name         string
	Value        Value
	NoValue      bool // a delete has none
	Op           Op
	Timestamp    int64 // ms since 1970: the version
	HasTimestamp bool
}

// Row is a row, or a change of one.
type Row struct {
	Key     []Cell
	Columns []Cell
	Deleted bool // the delete marker
}

// Append appends the header and rows to b; nothing if there are no rows.
func Append(b []byte, rows ...Row) []byte {
	if len(rows) == 0 {
		return b
	}
	b = binary.LittleEndian.AppendUint32(b, header)
	for _, r := range rows {
		b = appendRow(b, r)
	}
	return b
}

func appendRow(b []byte, r Row) []byte {
	crc := byte(0)
	cell := func(c Cell) {
		var sum byte
		b, sum = appendCell(b, c)
		crc = crcTable[crc^sum]
	}
	b = append(b, tagKey)
	for _, c := range r.Key {
		cell(c)
	}
	if len(r.Columns) > 0 {
		b = append(b, tagColumns)
	}
	for _, c := range r.Columns {
		cell(c)
	}
	last := byte(0)
	if r.Deleted {
		b = append(b, tagDelete)
		last = 1
	}
	return append(b, tagRowCRC, crcTable[crc^last])
}

func appendCell(b []byte, c Cell) (out []byte, sum byte) {
	b = append(b, tagCell, tagName)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(c.Name)))
	b = append(b, c.Name...)
	sum = crc8(0, b[len(b)-len(c.Name):])
	if !c.NoValue {
		b = append(b, tagValue)
		b = binary.LittleEndian.AppendUint32(b, uint32(c.Value.variantSize()))
		from := len(b)
		b = c.Value.appendVariant(b)
		sum = crc8(sum, b[from:])
	}
	if c.Op != Put {
		b = append(b, tagOp, byte(c.Op))
	}
	if c.HasTimestamp {
		b = append(b, tagTimestamp)
		b = binary.LittleEndian.AppendUint64(b, uint64(c.Timestamp))
		sum = crc8(sum, b[len(b)-8:])
	}
	if c.Op != Put {
		sum = crcTable[sum^byte(c.Op)]
	}
	return append(b, tagCellCRC, sum), sum
}

var crcTable = func() (t [256]byte) {
	for i := range t {
		x := byte(i)
		for range 8 {
			if x&0x80 != 0 {
				x = x<<1 ^ 0x07
			} else {
				x <<= 1
			}
		}
		t[i] = x
	}
	return t
}()

func crc8(crc byte, b []byte) byte {
	for _, c := range b {
		crc = crcTable[crc^c]
	}
	return crc
}
