// Package message decodes the requests of TableStore's API and encodes its responses: protocol
// buffers (proto2) whose fields have the numbers of the official SDK's table_store.proto. It uses
// nothing of the SDK, which cross-checks it. Unknown fields are skipped; a missing required field
// is an error.
package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// ErrMalformed is wrapped by every error of a Decode function.
var ErrMalformed = errors.New("malformed protocol buffer")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// Wire types of protocol buffers.
const (
	wireVarint = 0
	wireFixed8 = 1
	wireBytes  = 2
	wireFixed4 = 5
)

// field is one encoded field of a message.
type field struct {
	number int
	wire   int
	num    uint64 // of a varint
	data   []byte // of a wireBytes; shares the message's memory
}

// fields iterates over the fields of a message in their order, and ends after the first error.
func fields(b []byte) iter.Seq2[field, error] {
	return func(yield func(field, error) bool) {
		for len(b) > 0 {
			f, rest, err := next(b)
			if !yield(f, err) || err != nil {
				return
			}
			b = rest
		}
	}
}

func next(b []byte) (f field, rest []byte, err error) {
	key, n := binary.Uvarint(b)
	if n <= 0 || key>>3 == 0 || key>>3 > 1<<29-1 {
		return f, nil, malformed("no field")
	}
	f.number, f.wire, b = int(key>>3), int(key&7), b[n:]
	switch f.wire {
	case wireVarint:
		f.num, n = binary.Uvarint(b)
		if n <= 0 {
			return f, nil, malformed("field %d is cut", f.number)
		}
		return f, b[n:], nil
	case wireBytes:
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return f, nil, malformed("field %d is cut", f.number)
		}
		f.data = b[n : n+int(length)]
		return f, b[n+int(length):], nil
	case wireFixed8, wireFixed4:
		width := 8
		if f.wire == wireFixed4 {
			width = 4
		}
		if len(b) < width {
			return f, nil, malformed("field %d is cut", f.number)
		}
		return f, b[width:], nil
	}
	return f, nil, malformed("field %d is of wire type %d", f.number, f.wire)
}

// reader assigns fields and keeps the first error.
type reader struct{ err error }

func (r *reader) want(f field, wire int) bool {
	if f.wire != wire && r.err == nil {
		r.err = malformed("field %d is of wire type %d, want %d", f.number, f.wire, wire)
	}
	return f.wire == wire
}

func (r *reader) int32(f field, to *int32) {
	if r.want(f, wireVarint) {
		*to = int32(f.num)
	}
}

// optional32 sets a pointer, which stays nil if the field is absent.
func (r *reader) optional32(f field, to **int32) {
	if r.want(f, wireVarint) {
		n := int32(f.num)
		*to = &n
	}
}

func (r *reader) optional64(f field, to **int64) {
	if r.want(f, wireVarint) {
		n := int64(f.num)
		*to = &n
	}
}

func (r *reader) bool(f field, to *bool) {
	if r.want(f, wireVarint) {
		*to = f.num != 0
	}
}

func (r *reader) string(f field, to *string) {
	if r.want(f, wireBytes) {
		*to = string(f.data)
	}
}

func (r *reader) strings(f field, to *[]string) {
	if r.want(f, wireBytes) {
		*to = append(*to, string(f.data))
	}
}

func (r *reader) bytes(f field, to *[]byte) {
	if r.want(f, wireBytes) {
		*to = f.data
	}
}

func (r *reader) optionalString(f field, to **string) {
	if r.want(f, wireBytes) {
		s := string(f.data)
		*to = &s
	}
}

// nested decodes an embedded message.
func nested[T any](r *reader, f field, decode func([]byte) (T, error), to func(T)) {
	if !r.want(f, wireBytes) || r.err != nil {
		return
	}
	v, err := decode(f.data)
	if err != nil {
		r.err = err
		return
	}
	to(v)
}

// decode calls assign for each field of b and checks that the required fields, whose numbers must
// be below 64, were present. assign ignores unknown fields.
func decode(b []byte, assign func(r *reader, f field), required ...int) error {
	var r reader
	var seen uint64
	for f, err := range fields(b) {
		if err != nil {
			return err
		}
		if f.number < 64 {
			seen |= 1 << f.number
		}
		if assign(&r, f); r.err != nil {
			return r.err
		}
	}
	for _, n := range required {
		if seen&(1<<n) == 0 {
			return malformed("required field %d is absent", n)
		}
	}
	return nil
}

// appendInt appends a varint field. A negative number takes ten bytes, as proto2 requires.
func appendInt(b []byte, number int, n int64) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<3|wireVarint)
	return binary.AppendUvarint(b, uint64(n))
}

func appendBool(b []byte, number int, v bool) []byte {
	if v {
		return appendInt(b, number, 1)
	}
	return appendInt(b, number, 0)
}

func appendBytes[T string | []byte](b []byte, number int, data T) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<3|wireBytes)
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}
