package flow

import (
	"encoding/binary"
	"errors"
	"math"
)

// Rows are messages. A message is a sequence of fields, and a field is a key and its content. The
// key is a varint: the field's number times 8, plus the kind of the content. A field that is
// missing is zero, so only what is set takes room.
//
// Another program may know more fields than this one. A message is open if its reader keeps fields
// that it does not know (FieldReader.Keep) and writes them again (FieldWriter.Unknown). References,
// lists of values and the elements of a Variable are closed: a row with an unknown field in one of
// them is rejected like a damaged row. A field whose meaning an older program must not ignore needs
// a new number of the row's format.

// Kinds of fields. The numbers are part of the row format.
const (
	kindUint    = 0 // varint
	kindFixed   = 1 // 8 bytes, little-endian
	kindBytes   = 2 // length, bytes
	kindMessage = 3 // length, fields
)

// fieldMax is the highest number of a field.
const fieldMax = 1 << 20

// FieldWriter writes messages. Its methods write nothing for a zero value, except where they say
// so.
type FieldWriter struct {
	Buf []byte
	// Inline is the length in bytes of the longest text that Value writes in place although the
	// value is stored elsewhere.
	Inline int
}

// BeginRow begins a row with the number of its format and its length, which shows a row that is cut
// short. What is written until End is its fields.
func (w *FieldWriter) BeginRow(format uint64) (start int) {
	w.Buf = binary.AppendUvarint(w.Buf, format)
	return w.beginLength()
}

func (w *FieldWriter) key(field int, kind byte) {
	if field < 16 {
		w.Buf = append(w.Buf, byte(field<<3)|kind)
		return
	}
	w.Buf = binary.AppendUvarint(w.Buf, uint64(field)<<3|uint64(kind))
}

// Uint writes an unsigned number.
func (w *FieldWriter) Uint(field int, u uint64) {
	if u != 0 {
		w.PresentUint(field, u)
	}
}

// PresentUint writes an unsigned number, even if it is zero.
func (w *FieldWriter) PresentUint(field int, u uint64) {
	w.key(field, kindUint)
	w.Buf = binary.AppendUvarint(w.Buf, u)
}

// Int writes a signed number.
func (w *FieldWriter) Int(field int, i int64) {
	if i != 0 {
		w.PresentInt(field, i)
	}
}

// PresentInt writes a signed number, even if it is zero.
func (w *FieldWriter) PresentInt(field int, i int64) {
	w.key(field, kindUint)
	w.Buf = binary.AppendVarint(w.Buf, i)
}

// Bool writes a flag.
func (w *FieldWriter) Bool(field int, b bool) {
	if b {
		w.PresentUint(field, 1)
	}
}

// Fixed writes an unsigned number in 8 bytes. A random number is shorter that way.
func (w *FieldWriter) Fixed(field int, u uint64) {
	if u != 0 {
		w.key(field, kindFixed)
		w.Buf = binary.LittleEndian.AppendUint64(w.Buf, u)
	}
}

// Bytes writes a byte string.
func (w *FieldWriter) Bytes(field int, b []byte) {
	if len(b) > 0 {
		w.presentBytes(field, b)
	}
}

func (w *FieldWriter) presentBytes(field int, b []byte) {
	w.key(field, kindBytes)
	w.Buf = append(binary.AppendUvarint(w.Buf, uint64(len(b))), b...)
}

// String writes a string.
func (w *FieldWriter) String(field int, s string) {
	if s != "" {
		w.presentString(field, s)
	}
}

func (w *FieldWriter) presentString(field int, s string) {
	w.key(field, kindBytes)
	w.Buf = append(binary.AppendUvarint(w.Buf, uint64(len(s))), s...)
}

// Begin begins a message. What is written until End is its fields.
func (w *FieldWriter) Begin(field int) (start int) {
	w.key(field, kindMessage)
	return w.beginLength()
}

// beginLength leaves room for the length of what follows.
func (w *FieldWriter) beginLength() (start int) {
	w.Buf = append(w.Buf, 0)
	return len(w.Buf)
}

// End ends the message that begins at start.
func (w *FieldWriter) End(start int) {
	n := len(w.Buf) - start
	if n < 0x80 {
		w.Buf[start-1] = byte(n)
		return
	}
	var length [binary.MaxVarintLen64]byte
	width := binary.PutUvarint(length[:], uint64(n))
	w.Buf = append(w.Buf, length[1:width]...)
	copy(w.Buf[start+width-1:], w.Buf[start:start+n])
	copy(w.Buf[start-1:], length[:width])
}

// Message writes a message whose fields are already encoded, even if it has none.
func (w *FieldWriter) Message(field int, fields []byte) {
	w.key(field, kindMessage)
	w.Buf = append(binary.AppendUvarint(w.Buf, uint64(len(fields))), fields...)
}

// Unknown writes fields that FieldReader.Keep has kept.
func (w *FieldWriter) Unknown(fields []byte) { w.Buf = append(w.Buf, fields...) }

// Error writes an error or its absence: its name in one field, its cause in the next one.
func (w *FieldWriter) Error(field int, err *Error) {
	if err != nil {
		w.presentString(field, err.Name)
		w.String(field+1, err.Cause)
	}
}

// Fields of a reference.
const (
	refLen     = 1
	refEvent   = 2 // event id times 4, plus the field of the event
	refVersion = 3 // with refToken: rows of its own; without both and refEvent: the claim
	refToken   = 4
)

// Value writes a value: nothing for nil, its text as bytes, or a reference as a message. A value
// longer than Inline that is not stored yet must get a Ref first, or it is written in place.
func (w *FieldWriter) Value(field int, v *Value) {
	switch {
	case v == nil:
	case v.text != nil && (v.ref.Kind == RefNone || len(v.text) <= w.Inline):
		w.presentBytes(field, v.text)
	default:
		start := w.Begin(field)
		w.ref(v.ref)
		w.End(start)
	}
}

func (w *FieldWriter) ref(r Ref) {
	w.Uint(refLen, uint64(r.Len))
	switch r.Kind {
	case RefEvent:
		w.PresentUint(refEvent, uint64(r.Event)<<2|uint64(r.Field))
	case RefRow:
		w.PresentUint(refVersion, uint64(r.Version))
		w.Fixed(refToken, r.Token)
	}
}

// ErrCorrupt says that a stored row cannot be decoded.
var ErrCorrupt = errors.New("flow: a stored row is damaged")

// FieldReader reads what a FieldWriter wrote. Next reads a field; then the method for the kind of
// the field returns its content. After the first error Next returns false, and Err holds the error.
// It allocates nothing but what the caller keeps.
type FieldReader struct {
	Field int // number of the field that Next has read
	Err   error

	rest []byte // after the field
	raw  []byte // the field with its key
	kind byte
	num  uint64
	text []byte
}

// ReadFields returns a reader of b. The caller must not change b while decoded values are in use.
func ReadFields(b []byte) FieldReader { return FieldReader{rest: b} }

// ReadRow returns the number of a row's format, 0 if there is none, and a reader of its fields. If
// the format is known to the caller, the reader's error says whether the row has its whole length.
func ReadRow(b []byte) (format uint64, r FieldReader) {
	format, n := binary.Uvarint(b)
	if n <= 0 {
		r.Fail()
		return 0, r
	}
	length, width := binary.Uvarint(b[n:])
	if width <= 0 || length != uint64(len(b)-n-width) {
		r.Fail()
		return format, r
	}
	return format, ReadFields(b[n+width:])
}

// Fail makes ErrCorrupt the reader's error.
func (r *FieldReader) Fail() { r.Err, r.rest, r.text = ErrCorrupt, nil, nil }

// Next reads the next field of the message. It returns false at the end of the message and after an
// error.
func (r *FieldReader) Next() bool {
	if len(r.rest) == 0 {
		return false
	}
	at, b := r.rest, r.rest
	key, n := uint64(b[0]), 1
	if key >= 0x80 {
		key, n = binary.Uvarint(b)
	}
	if n <= 0 || key < 8 || key>>3 > fieldMax {
		r.Fail()
		return false
	}
	b = b[n:]
	r.Field, r.kind = int(key>>3), byte(key&7)
	if b = r.content(b); r.Err != nil {
		return false
	}
	r.rest, r.raw = b, at[:len(at)-len(b)]
	return true
}

// nextLength reads a message that has no key, and makes it the message that Enter enters.
func (r *FieldReader) nextLength() bool {
	if len(r.rest) == 0 {
		return false
	}
	r.kind = kindMessage
	r.rest = r.content(r.rest)
	return r.Err == nil
}

// content reads the content of a field and returns what follows.
func (r *FieldReader) content(b []byte) []byte {
	n := 0
	switch r.kind {
	case kindUint:
		if r.num, n = binary.Uvarint(b); n > 0 {
			return b[n:]
		}
	case kindFixed:
		if len(b) >= 8 {
			r.num = binary.LittleEndian.Uint64(b)
			return b[8:]
		}
	case kindBytes, kindMessage:
		var size uint64
		if size, n = binary.Uvarint(b); n > 0 && size <= uint64(len(b)-n) {
			end := n + int(size)
			r.text = b[n:end:end]
			return b[end:]
		}
	}
	r.Fail()
	return nil
}

// is checks the kind of the field.
func (r *FieldReader) is(kind byte) bool {
	if r.kind != kind {
		r.Fail()
	}
	return r.Err == nil
}

// Uint returns an unsigned number.
func (r *FieldReader) Uint() uint64 {
	if !r.is(kindUint) {
		return 0
	}
	return r.num
}

// Int returns a signed number.
func (r *FieldReader) Int() int64 {
	u := r.Uint()
	return int64(u>>1) ^ -int64(u&1)
}

// Small returns an unsigned number that is at most limit.
func (r *FieldReader) Small(limit uint64) uint64 {
	u := r.Uint()
	if u > limit {
		r.Fail()
		return 0
	}
	return u
}

// Bool returns a flag.
func (r *FieldReader) Bool() bool { return r.Small(1) == 1 }

// Fixed returns a number that FieldWriter.Fixed wrote.
func (r *FieldReader) Fixed() uint64 {
	if !r.is(kindFixed) {
		return 0
	}
	return r.num
}

// Bytes returns a byte string, which is not nil. The slice is part of the reader's buffer.
func (r *FieldReader) Bytes() []byte {
	if !r.is(kindBytes) {
		return []byte{}
	}
	return r.text
}

// String returns a string.
func (r *FieldReader) String() string { return string(r.Bytes()) }

// Message returns the fields of a message. The slice is part of the reader's buffer.
func (r *FieldReader) Message() []byte {
	if !r.is(kindMessage) {
		return nil
	}
	return r.text
}

// Enter makes Next read the fields of the message that it has just read. Leave ends that; the
// caller passes it what Enter returned.
func (r *FieldReader) Enter() (after []byte) {
	after, fields := r.rest, r.Message()
	if r.Err == nil {
		r.rest = fields
	}
	return after
}

// Leave makes Next go on after a message that Enter has begun.
func (r *FieldReader) Leave(after []byte) {
	if r.Err == nil {
		r.rest = after
	}
}

// Keep adds the field, which the caller does not know, to the unknown fields of its message.
func (r *FieldReader) Keep(unknown *[]byte) { *unknown = append(*unknown, r.raw...) }

// ErrorName adds the name of an error to *err, which may be nil.
func (r *FieldReader) ErrorName(err **Error) { errorOf(err).Name = r.String() }

// ErrorCause adds the cause of an error to *err, which may be nil.
func (r *FieldReader) ErrorCause(err **Error) { errorOf(err).Cause = r.String() }

func errorOf(err **Error) *Error {
	if *err == nil {
		*err = &Error{}
	}
	return *err
}

// Value returns a value. A value written in place is loaded; any other value knows only its Ref.
func (r *FieldReader) Value() *Value {
	if r.kind == kindBytes {
		return TextValue(r.text)
	}
	return StoredValue(r.ref())
}

func (r *FieldReader) ref() (ref Ref) {
	ref.Kind = RefClaim
	after := r.Enter()
	for r.Next() {
		switch {
		case r.Field == refLen:
			ref.Len = int(r.Small(math.MaxInt32))
		case r.Field == refEvent && ref.Kind == RefClaim:
			u := r.Uint()
			ref.Kind, ref.Event, ref.Field = RefEvent, int64(u>>2), byte(u&3)
		case r.Field == refVersion && ref.Kind == RefClaim:
			ref.Kind, ref.Version = RefRow, int64(r.Uint())
		case r.Field == refToken && ref.Kind == RefRow:
			ref.Token = r.Fixed()
		default:
			r.Fail()
		}
	}
	r.Leave(after)
	return ref
}
