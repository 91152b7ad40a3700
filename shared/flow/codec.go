package flow

import (
	"encoding/binary"
	"errors"
	"math"
)

// Encoder writes the compact binary form of rows: varints, and byte strings preceded by their
// length.
type Encoder struct {
	Buf []byte
	// Inline is the length in bytes of the longest text that Value writes in place although the
	// value is stored elsewhere.
	Inline int
}

// Uint writes an unsigned number.
func (e *Encoder) Uint(u uint64) { e.Buf = binary.AppendUvarint(e.Buf, u) }

// Int writes a signed number.
func (e *Encoder) Int(i int64) { e.Buf = binary.AppendVarint(e.Buf, i) }

// Byte writes one byte.
func (e *Encoder) Byte(b byte) { e.Buf = append(e.Buf, b) }

// Bool writes a flag.
func (e *Encoder) Bool(b bool) {
	if b {
		e.Byte(1)
	} else {
		e.Byte(0)
	}
}

// Bytes writes a length and b.
func (e *Encoder) Bytes(b []byte) {
	e.Uint(uint64(len(b)))
	e.Buf = append(e.Buf, b...)
}

// String writes a length and s.
func (e *Encoder) String(s string) {
	e.Uint(uint64(len(s)))
	e.Buf = append(e.Buf, s...)
}

// Error writes an error or its absence.
func (e *Encoder) Error(err *Error) {
	e.Bool(err != nil)
	if err != nil {
		e.String(err.Name)
		e.String(err.Cause)
	}
}

// Kinds of an encoded value: absent, in place, or valueRef plus a RefKind.
const (
	valueNil    = 0
	valueInline = 1
	valueRef    = 2
)

// Value writes a value: nil, its text in place, or a reference. A value longer than Inline that is
// not stored yet must get a Ref first, or it is written in place.
func (e *Encoder) Value(v *Value) {
	switch {
	case v == nil:
		e.Byte(valueNil)
	case v.text != nil && (v.ref.Kind == RefNone || len(v.text) <= e.Inline):
		e.Byte(valueInline)
		e.Bytes(v.text)
	default:
		e.ref(v.ref)
	}
}

func (e *Encoder) ref(r Ref) {
	e.Byte(valueRef + byte(r.Kind))
	e.Uint(uint64(r.Len))
	switch r.Kind {
	case RefEvent:
		e.Uint(uint64(r.Event)<<2 | uint64(r.Field))
	case RefRow:
		e.Uint(uint64(r.Version))
		e.Uint(r.Token)
	}
}

// ErrCorrupt says that a stored row cannot be decoded.
var ErrCorrupt = errors.New("flow: a stored row is damaged")

// Decoder reads what an Encoder wrote. After the first error every method returns zero values, and
// Err holds the error.
type Decoder struct {
	buf []byte
	Err error
}

// NewDecoder returns a decoder of b. The caller must not change b while decoded values are in use.
func NewDecoder(b []byte) *Decoder { return &Decoder{buf: b} }

// Left returns the number of bytes that are not read yet.
func (d *Decoder) Left() int { return len(d.buf) }

func (d *Decoder) fail() {
	d.Err = ErrCorrupt
	d.buf = nil
}

// Uint reads an unsigned number.
func (d *Decoder) Uint() uint64 {
	u, n := binary.Uvarint(d.buf)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return u
}

// Int reads a signed number.
func (d *Decoder) Int() int64 {
	i, n := binary.Varint(d.buf)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return i
}

// Count reads a number of elements. It fails if the number exceeds the bytes left.
func (d *Decoder) Count() int {
	u := d.Uint()
	if u > uint64(len(d.buf)) {
		d.fail()
		return 0
	}
	return int(u)
}

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if len(d.buf) == 0 {
		d.fail()
		return 0
	}
	b := d.buf[0]
	d.buf = d.buf[1:]
	return b
}

// Bool reads a flag.
func (d *Decoder) Bool() bool { return d.Byte() == 1 }

// Bytes reads a byte string. The slice is part of the decoder's buffer.
func (d *Decoder) Bytes() []byte {
	n := d.Count()
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b
}

// String reads a string.
func (d *Decoder) String() string { return string(d.Bytes()) }

// Error reads an error or its absence.
func (d *Decoder) Error() *Error {
	if !d.Bool() {
		return nil
	}
	return &Error{Name: d.String(), Cause: d.String()}
}

// length reads the length of a value that is stored elsewhere.
func (d *Decoder) length() int {
	u := d.Uint()
	if u > math.MaxInt32 {
		d.fail()
		return 0
	}
	return int(u)
}

// Value reads a value. A value written in place is loaded; any other value knows only its Ref.
func (d *Decoder) Value() *Value {
	switch k := d.Byte(); k {
	case valueNil:
		return nil
	case valueInline:
		text := d.Bytes()
		if text == nil {
			text = []byte{}
		}
		return TextValue(text)
	case valueRef + byte(RefEvent):
		r := Ref{Kind: RefEvent, Len: d.length()}
		u := d.Uint()
		r.Event, r.Field = int64(u>>2), byte(u&3)
		return StoredValue(r)
	case valueRef + byte(RefRow):
		return StoredValue(Ref{Kind: RefRow, Len: d.length(), Version: int64(d.Uint()),
			Token: d.Uint()})
	case valueRef + byte(RefClaim):
		return StoredValue(Ref{Kind: RefClaim, Len: d.length()})
	}
	d.fail()
	return nil
}

// EventInline is the length in bytes of the longest value that an event contains; longer values get
// rows of their own.
const EventInline = 1 << 10

// eventRepeatInline is the length in bytes of the longest value that an event repeats although an
// earlier event contains it.
const eventRepeatInline = 24

// AppendEvents encodes events in order. Times are relative to base, the start of the execution, so
// that the results of several calls can be concatenated. It sets the Ref of values that have none
// to the event.
func AppendEvents(dst []byte, base int64, events []HistoryEvent) []byte {
	e := Encoder{Buf: dst, Inline: eventRepeatInline}
	for i := range events {
		ev := &events[i]
		e.Byte(byte(ev.Type))
		e.Uint(uint64(ev.ID))
		e.Uint(uint64(ev.ID - ev.Schedule))
		e.Int(int64(ev.Node))
		e.Int(ev.Time - base)
		var has byte
		ev.Values(func(f byte, _ *Value) { has |= 1 << f })
		if ev.Error != nil {
			has |= 1 << 3
		}
		if ev.Mark != 0 {
			has |= 1 << 4
		}
		e.Byte(has)
		ev.Values(func(f byte, v *Value) {
			e.Value(v)
			if v.ref.Kind == RefNone {
				v.SetRef(Ref{Kind: RefEvent, Event: ev.ID, Field: f})
			}
		})
		if ev.Error != nil {
			e.String(ev.Error.Name)
			e.String(ev.Error.Cause)
		}
		if ev.Mark != 0 {
			e.Uint(ev.Mark)
		}
	}
	return e.Buf
}

// DecodeEvents decodes the concatenated results of AppendEvents with the same base.
func DecodeEvents(b []byte, base int64) ([]HistoryEvent, error) {
	d := NewDecoder(b)
	var events []HistoryEvent
	for d.Left() > 0 && d.Err == nil {
		ev := HistoryEvent{Type: EventType(d.Byte()), ID: int64(d.Uint())}
		ev.Schedule = ev.ID - int64(d.Uint())
		ev.Node = int(d.Int())
		ev.Time = base + d.Int()
		has := d.Byte()
		read := func(f byte) *Value {
			if has&(1<<f) == 0 {
				return nil
			}
			v := d.Value()
			if v != nil && v.text != nil {
				v.SetRef(Ref{Kind: RefEvent, Event: ev.ID, Field: f})
			}
			return v
		}
		ev.Input, ev.Local, ev.Output = read(FieldInput), read(FieldLocal), read(FieldOutput)
		if has&(1<<3) != 0 {
			ev.Error = &Error{Name: d.String(), Cause: d.String()}
		}
		if has&(1<<4) != 0 {
			ev.Mark = d.Uint()
		}
		events = append(events, ev)
	}
	return events, d.Err
}
