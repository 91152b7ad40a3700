package plainbuffer

import (
	"encoding/binary"
	"math"
)

// Kind is the type of a value, with the number it has on the wire.
type Kind byte

// The kinds. InfMin and InfMax occur only in bounds of ranges, AutoIncrement only in the key of a
// row to put.
const (
	Integer       Kind = 0x00
	Double        Kind = 0x01
	Boolean       Kind = 0x02
	String        Kind = 0x03
	Blob          Kind = 0x07
	InfMin        Kind = 0x09
	InfMax        Kind = 0x0a
	AutoIncrement Kind = 0x0b
)

// String returns the name of a kind in TableStore's messages.
func (k Kind) String() string {
	switch k {
	case Integer:
		return "INTEGER"
	case Double:
		return "DOUBLE"
	case Boolean:
		return "BOOLEAN"
	case String:
		return "STRING"
	case Blob:
		return "BINARY"
	case InfMin:
		return "INF_MIN"
	case InfMax:
		return "INF_MAX"
	case AutoIncrement:
		return "AUTO_INCREMENT"
	}
	return "UNKNOWN"
}

// Value is the value of a column. Values are comparable and immutable.
type Value struct {
	Kind Kind
	Num  int64  // an Integer, the bits of a Double, 0 or 1 for a Boolean
	Text string // a String or a Blob
}

// Int returns an Integer.
func Int(n int64) Value { return Value{Kind: Integer, Num: n} }

// Float returns a Double.
func Float(f float64) Value { return Value{Kind: Double, Num: int64(math.Float64bits(f))} }

// Bool returns a Boolean.
func Bool(b bool) Value {
	v := Value{Kind: Boolean}
	if b {
		v.Num = 1
	}
	return v
}

// Str returns a String.
func Str(s string) Value { return Value{Kind: String, Text: s} }

// Bytes returns a Blob.
func Bytes(b []byte) Value { return Value{Kind: Blob, Text: string(b)} }

// Double returns the number of a Double.
func (v Value) Double() float64 { return math.Float64frombits(uint64(v.Num)) }

// Size returns the size of the value, in bytes, as TableStore counts it.
func (v Value) Size() int {
	switch v.Kind {
	case Integer, Double:
		return 8
	case Boolean:
		return 1
	}
	return len(v.Text)
}

// appendVariant appends type and data, in the form that checksums cover and filters contain.
func (v Value) appendVariant(b []byte) []byte {
	b = append(b, byte(v.Kind))
	switch v.Kind {
	case Integer, Double:
		b = binary.LittleEndian.AppendUint64(b, uint64(v.Num))
	case Boolean:
		b = append(b, byte(v.Num))
	case String, Blob:
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v.Text)))
		b = append(b, v.Text...)
	}
	return b
}

func (v Value) variantSize() int {
	switch v.Kind {
	case Integer, Double:
		return 9
	case Boolean:
		return 2
	case String, Blob:
		return 5 + len(v.Text)
	}
	return 1
}

// DecodeVariant decodes a value in the form that filters contain: without a length before it, up to
// the end of b.
func DecodeVariant(b []byte) (Value, error) {
	d := decoder{b: b}
	v, err := d.variant()
	if err == nil && len(d.b) > d.at {
		err = d.fail("bytes after the value")
	}
	return v, err
}
