package flow_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"millrace/shared/flow"
)

func TestFields(t *testing.T) {
	long := strings.Repeat("x", 300)
	var w flow.FieldWriter
	row := w.BeginRow(300)
	w.Uint(1, 0)
	w.Uint(1, math.MaxUint64)
	w.Int(2, math.MinInt64)
	w.PresentInt(2, 0)
	w.Bool(3, true)
	w.Bool(3, false)
	w.Fixed(15, 1<<63)
	w.Bytes(16, []byte("ab"))
	w.String(16, "")
	w.Error(17, nil)
	w.Error(17, &flow.Error{Cause: "C"})
	outer := w.Begin(1 << 20)
	inner := w.Begin(4)
	w.String(5, long)
	w.End(inner)
	w.PresentUint(6, 0)
	w.End(outer)
	w.Message(20, nil)
	w.End(row)

	format, r := flow.ReadRow(w.Buf)
	if format != 300 {
		t.Errorf("format %d", format)
	}
	var err *flow.Error
	var got []any
	read := func() {
		switch r.Field {
		case 1:
			got = append(got, r.Uint())
		case 2:
			got = append(got, r.Int())
		case 3:
			got = append(got, r.Bool())
		case 15:
			got = append(got, r.Fixed())
		case 17:
			r.ErrorName(&err)
		case 18:
			r.ErrorCause(&err)
		case 20:
			got = append(got, len(r.Message()))
		default:
			got = append(got, r.String())
		}
	}
	for r.Next() {
		if r.Field != 1<<20 {
			read()
			continue
		}
		after := r.Enter()
		for r.Next() {
			if r.Field == 6 {
				got = append(got, r.Uint())
				continue
			}
			inner := r.Enter()
			for r.Next() {
				read()
			}
			r.Leave(inner)
		}
		r.Leave(after)
	}
	want := []any{uint64(math.MaxUint64), int64(math.MinInt64), int64(0), true, uint64(1 << 63),
		"ab", long, uint64(0), 0}
	if len(got) != len(want) || r.Err != nil || err == nil || *err != (flow.Error{Cause: "C"}) {
		t.Fatalf("%d fields, %v, error %v: %v", len(got), r.Err, err, got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("field %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// TestRowCutShort: a row that has lost its end, or has more than its end, is an error.
func TestRowCutShort(t *testing.T) {
	var w flow.FieldWriter
	start := w.BeginRow(1)
	for range 100 {
		w.Uint(1, 1)
	}
	w.End(start)
	for n := range w.Buf {
		if _, r := flow.ReadRow(w.Buf[:n]); !errors.Is(r.Err, flow.ErrCorrupt) || r.Next() {
			t.Errorf("%d of %d bytes: %v", n, len(w.Buf), r.Err)
		}
	}
	if _, r := flow.ReadRow(append(w.Buf, 8)); !errors.Is(r.Err, flow.ErrCorrupt) {
		t.Errorf("a byte more: %v", r.Err)
	}
	if format, _ := flow.ReadRow([]byte("\x02what nobody knows")); format != 2 {
		t.Errorf("format %d", format)
	}
}

// TestFieldsUnknown: what a reader does not know is written again, byte for byte.
func TestFieldsUnknown(t *testing.T) {
	var w flow.FieldWriter
	w.Uint(1, 5)
	start := len(w.Buf)
	w.Uint(2, 1000)
	w.Fixed(300, 9)
	w.String(40_000, "kept")
	w.Message(1<<20, []byte{8, 1})
	unknown := bytes.Clone(w.Buf[start:])
	var kept []byte
	r := flow.ReadFields(w.Buf)
	for r.Next() {
		if r.Field != 1 {
			r.Keep(&kept)
		}
	}
	again := flow.FieldWriter{}
	again.Uint(1, 5)
	again.Unknown(kept)
	if r.Err != nil || !bytes.Equal(kept, unknown) || !bytes.Equal(again.Buf, w.Buf) {
		t.Errorf("%v: kept %x, want %x", r.Err, kept, unknown)
	}
}

// TestFieldsDamaged: what no FieldWriter writes is an error, and so is a field of another kind.
func TestFieldsDamaged(t *testing.T) {
	for name, b := range map[string]string{
		"no content":       "\x08",
		"long varint":      "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"long key":         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"number 0":         "\x00\x01",
		"number too high":  "\x88\x80\x80\x04\x01",
		"unknown kind":     "\x0c\x01",
		"short fixed":      "\x091234567",
		"short bytes":      "\x0a\x03ab",
		"huge bytes":       "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01ab",
		"short message":    "\x0b\x03\x08\x01",
		"damaged message":  "\x0b\x02\x08\x80\x10\x01",
		"fixed for uint":   "\x0912345678",
		"bytes for uint":   "\x0a\x00",
		"message of bytes": "\x0b\x02\x0a\x00",
	} {
		r := flow.ReadFields([]byte(b))
		fields := 0
		var visit func()
		visit = func() {
			for r.Next() {
				if fields++; b[0]&7 == 3 && fields == 1 {
					after := r.Enter()
					visit()
					r.Leave(after)
					continue
				}
				r.Uint()
			}
		}
		if visit(); !errors.Is(r.Err, flow.ErrCorrupt) || fields > 2 || r.Next() {
			t.Errorf("%s: %v after %d fields", name, r.Err, fields)
		}
	}
}

// TestFieldValues: short values are written in place, long values as references.
func TestFieldValues(t *testing.T) {
	long := strings.Repeat("x", 98)
	at := func(r flow.Ref) *flow.Value {
		v := flow.NewValue(long)
		v.SetRef(r)
		return v
	}
	for name, c := range map[string]struct {
		value *flow.Value
		text  string
		ref   flow.Ref
	}{
		"absent":   {nil, "", flow.Ref{}},
		"in place": {flow.NewValue(long), `"` + long + `"`, flow.Ref{}},
		"empty":    {flow.Empty(), `{}`, flow.Ref{}},
		"no text":  {flow.TextValue([]byte{}), ``, flow.Ref{}},
		"in event": {at(flow.Ref{Kind: flow.RefEvent, Event: 300, Field: flow.FieldOutput}), "",
			flow.Ref{Kind: flow.RefEvent, Event: 300, Field: flow.FieldOutput, Len: 100}},
		"in a row": {at(flow.Ref{Kind: flow.RefRow, Version: 9, Token: math.MaxUint64}), "",
			flow.Ref{Kind: flow.RefRow, Version: 9, Token: math.MaxUint64, Len: 100}},
		"the claim": {at(flow.Ref{Kind: flow.RefClaim}), "",
			flow.Ref{Kind: flow.RefClaim, Len: 100}},
	} {
		w := flow.FieldWriter{Inline: 50}
		w.Value(3, c.value)
		r := flow.ReadFields(w.Buf)
		var v *flow.Value
		for r.Next() {
			v = r.Value()
		}
		switch {
		case r.Err != nil:
			t.Errorf("%s: %v", name, r.Err)
		case (v == nil) != (c.value == nil):
			t.Errorf("%s: %v", name, v)
		case v != nil && (string(v.Text()) != c.text || v.Ref() != c.ref ||
			v.Loaded() != (c.ref.Kind == flow.RefNone)):
			t.Errorf("%s: %q %+v", name, v.Text(), v.Ref())
		case v != nil && v.Len() != c.value.Len():
			t.Errorf("%s: %d bytes", name, v.Len())
		}
	}
}

// TestRefIsClosed: a reference to a place that this program does not know is rejected.
func TestRefIsClosed(t *testing.T) {
	for name, write := range map[string]func(w *flow.FieldWriter){
		"unknown field":   func(w *flow.FieldWriter) { w.Uint(1, 5); w.Uint(5, 1) },
		"two places":      func(w *flow.FieldWriter) { w.Uint(2, 5); w.Uint(3, 1) },
		"token alone":     func(w *flow.FieldWriter) { w.Fixed(4, 1) },
		"length too high": func(w *flow.FieldWriter) { w.Uint(1, 1<<31) },
	} {
		var w flow.FieldWriter
		start := w.Begin(1)
		write(&w)
		w.End(start)
		r := flow.ReadFields(w.Buf)
		for r.Next() {
			r.Value()
		}
		if !errors.Is(r.Err, flow.ErrCorrupt) {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}

// TestLengths: a message of any length follows its length.
func TestLengths(t *testing.T) {
	for n := range 40_000 {
		if n > 300 && n%1111 != 0 && (n < 16_370 || n > 16_390) {
			continue
		}
		text := bytes.Repeat([]byte("x"), n)
		var w flow.FieldWriter
		start := w.Begin(1)
		w.Unknown(text)
		w.End(start)
		w.Uint(2, 3)
		r := flow.ReadFields(w.Buf)
		if !r.Next() || !bytes.Equal(r.Message(), text) || !r.Next() || r.Uint() != 3 {
			t.Fatalf("%d bytes: %v", n, r.Err)
		}
	}
}
