package interp_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// open are the messages inside each kind of message of a body that are open, by field.
var open = map[string]map[int]string{
	"body":    {2: "outbox", 3: "scope"},
	"scope":   {7: "entry"},
	"entry":   {9: "attempt", 15: "scope"},
	"outbox":  {},
	"attempt": {},
}

// newer is a program that knows more fields than this one.
type newer struct {
	added int            // fields
	kinds map[string]int // by kind of message
}

// add returns the fields of a message with new fields in it and in every open message inside.
func (p *newer) add(t testing.TB, kind string, fields []byte) []byte {
	t.Helper()
	p.kinds[kind]++
	w := flow.FieldWriter{}
	p.added++
	w.Uint(900, uint64(p.added))
	r := flow.ReadFields(fields)
	for r.Next() {
		if inner := open[kind][r.Field]; inner != "" {
			w.Message(r.Field, p.add(t, inner, r.Message()))
			continue
		}
		var field []byte
		r.Keep(&field)
		w.Unknown(field)
	}
	p.added++
	w.Message(77, fmt.Appendf(nil, "new %d", p.added))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return w.Buf
}

// unknown returns the fields of a message without those that newer.add has added, and adds these to
// found.
func unknown(t *testing.T, kind string, fields []byte, found *[]string) []byte {
	t.Helper()
	w := flow.FieldWriter{}
	r := flow.ReadFields(fields)
	for r.Next() {
		switch inner := open[kind][r.Field]; {
		case inner != "":
			w.Message(r.Field, unknown(t, inner, r.Message(), found))
		case r.Field == 900:
			*found = append(*found, fmt.Sprint(kind, r.Uint()))
		case r.Field == 77:
			*found = append(*found, kind+string(r.Message()))
		default:
			var field []byte
			r.Keep(&field)
			w.Unknown(field)
		}
	}
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return w.Buf
}

// TestUnknownFields: the fields that a newer program has added to a body survive in this program,
// each in its message, and change nothing else.
func TestUnknownFields(t *testing.T) {
	p := newer{kinds: map[string]int{}}
	var ended flow.FieldWriter // the body of an execution that has ended
	start := ended.Begin(2)
	ended.Uint(1, 2)
	ended.String(7, "child")
	ended.End(start)
	for _, body := range append(bodies(t), ended.Buf) {
		written := p.add(t, "body", body)
		var before, after []string
		unknown(t, "body", written, &before)
		s := interp.New(interp.Facts{Input: flow.Empty()})
		if err := s.DecodeBody(written); err != nil {
			t.Fatal(err)
		}
		rest := unknown(t, "body", s.AppendBody(nil), &after)
		slices.Sort(before)
		slices.Sort(after)
		if !bytes.Equal(rest, body) || !slices.Equal(before, after) || len(before) == 0 {
			t.Fatalf("%v became %v\n%x\n%x", before, after, body, rest)
		}
	}
	for kind := range open {
		if p.kinds[kind] == 0 {
			t.Errorf("no %s was among them: %v", kind, p.kinds)
		}
	}
}

// TestUnknownFieldsStep: this program advances executions of a newer one. What a newer program has
// added stays where the execution has not moved on.
func TestUnknownFieldsStep(t *testing.T) {
	kept := 0
	inTheMiddle(t, 20, func(seed uint64, d *driver) {
		p := newer{kinds: map[string]int{}}
		s := interp.New(d.facts)
		s.LastEvent, s.LastTime = d.state.LastEvent, d.state.LastTime
		if err := s.DecodeBody(p.add(t, "body", d.body)); err != nil {
			t.Fatal(err)
		}
		d.advanceDamaged(s)
		var found []string
		unknown(t, "body", s.AppendBody(nil), &found)
		if !slices.Contains(found, "body1") {
			t.Errorf("seed %d: the body has kept %v", seed, found)
		}
		kept += len(found) - 2
	})
	if kept < 100 {
		t.Errorf("only %d were kept below bodies", kept)
	}
}
