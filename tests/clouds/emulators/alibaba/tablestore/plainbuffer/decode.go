package plainbuffer

import (
	"encoding/binary"
	"fmt"
)

// CorruptError reports what is wrong with invalid rows, and where.
type CorruptError struct {
	At   int // offset in bytes
	What string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("plain buffer: %s at byte %d", e.What, e.At)
}

// Decode decodes the header and all rows, up to the end of b, and does not keep b. It checks every
// checksum. Its errors are *CorruptError.
func Decode(b []byte) ([]Row, error) {
	d := decoder{b: b}
	if h, err := d.uint32(); err != nil || h != header {
		d.at = 0
		return nil, d.fail("no header")
	}
	var rows []Row
	for d.at < len(d.b) {
		r, err := d.row()
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// decoder reads b, starting at at.
type decoder struct {
	b  []byte
	at int
}

func (d *decoder) fail(what string) error { return &CorruptError{d.at, what} }

func (d *decoder) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.b)-d.at {
		return nil, d.fail("unexpected end")
	}
	b := d.b[d.at : d.at+n]
	d.at += n
	return b, nil
}

func (d *decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (d *decoder) uint32() (uint32, error) {
	b, err := d.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

// block reads a length, then that many bytes.
func (d *decoder) block() ([]byte, error) {
	n, err := d.uint32()
	if err != nil {
		return nil, err
	}
	if n > uint32(len(d.b)) {
		return nil, d.fail("a length beyond the end")
	}
	return d.take(int(n))
}

// tag consumes the tag if it is next.
func (d *decoder) tag(t byte) bool {
	if d.at < len(d.b) && d.b[d.at] == t {
		d.at++
		return true
	}
	return false
}

func (d *decoder) row() (r Row, err error) {
	crc := byte(0)
	if !d.tag(tagKey) {
		return r, d.fail("no row")
	}
	if r.Key, crc, err = d.cells(crc); err != nil {
		return r, err
	}
	if d.tag(tagColumns) {
		if r.Columns, crc, err = d.cells(crc); err != nil {
			return r, err
		}
	}
	last := byte(0)
	if r.Deleted = d.tag(tagDelete); r.Deleted {
		last = 1
	}
	return r, d.checksum(tagRowCRC, crcTable[crc^last])
}

func (d *decoder) cells(crc byte) (cells []Cell, sum byte, err error) {
	for d.tag(tagCell) {
		c, sum, err := d.cell()
		if err != nil {
			return nil, 0, err
		}
		cells, crc = append(cells, c), crcTable[crc^sum]
	}
	return cells, crc, nil
}

func (d *decoder) cell() (c Cell, sum byte, err error) {
	if !d.tag(tagName) {
		return c, 0, d.fail("no name of a cell")
	}
	name, err := d.block()
	if err != nil {
		return c, 0, err
	}
	c.Name, sum, c.NoValue = string(name), crc8(0, name), true
	if d.tag(tagValue) {
		n, err := d.uint32()
		if err != nil {
			return c, 0, err
		}
		from := d.at
		if c.Value, err = d.variant(); err != nil {
			return c, 0, err
		}
		if d.at-from != int(n) {
			return c, 0, d.fail("a value of another length")
		}
		c.NoValue, sum = false, crc8(sum, d.b[from:d.at])
	}
	if d.tag(tagOp) {
		op, err := d.byte()
		if err != nil {
			return c, 0, err
		}
		if c.Op = Op(op); c.Op != DeleteAll && c.Op != DeleteOne && c.Op != Increment {
			return c, 0, d.fail("an unknown operation")
		}
	}
	if d.tag(tagTimestamp) {
		b, err := d.take(8)
		if err != nil {
			return c, 0, err
		}
		c.Timestamp, c.HasTimestamp, sum = int64(binary.LittleEndian.Uint64(b)), true, crc8(sum, b)
	}
	if c.Op != Put {
		sum = crcTable[sum^byte(c.Op)]
	}
	return c, sum, d.checksum(tagCellCRC, sum)
}

func (d *decoder) checksum(tag, want byte) error {
	if !d.tag(tag) {
		return d.fail("no checksum")
	}
	got, err := d.byte()
	if err != nil {
		return err
	}
	if got != want {
		d.at--
		return d.fail("a wrong checksum")
	}
	return nil
}

func (d *decoder) variant() (v Value, err error) {
	k, err := d.byte()
	if err != nil {
		return v, err
	}
	v.Kind = Kind(k)
	switch v.Kind {
	case Integer, Double:
		b, err := d.take(8)
		if err != nil {
			return v, err
		}
		v.Num = int64(binary.LittleEndian.Uint64(b))
	case Boolean:
		b, err := d.byte()
		if err != nil {
			return v, err
		}
		if b > 1 {
			return v, d.fail("a boolean that is neither 0 nor 1")
		}
		v.Num = int64(b)
	case String, Blob:
		b, err := d.block()
		if err != nil {
			return v, err
		}
		v.Text = string(b)
	case InfMin, InfMax, AutoIncrement:
	default:
		d.at--
		return v, d.fail("an unknown kind of value")
	}
	return v, nil
}
