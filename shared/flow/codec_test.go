package flow_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"millrace/shared/flow"
)

func TestScalars(t *testing.T) {
	var e flow.Encoder
	e.Uint(0)
	e.Uint(math.MaxUint64)
	e.Int(math.MinInt64)
	e.Int(-1)
	e.Byte(7)
	e.Bool(true)
	e.Bool(false)
	e.Bytes([]byte("ab"))
	e.String("")
	e.Error(nil)
	e.Error(&flow.Error{Name: "N", Cause: "C"})
	d := flow.NewDecoder(e.Buf)
	if d.Uint() != 0 || d.Uint() != math.MaxUint64 || d.Int() != math.MinInt64 || d.Int() != -1 ||
		d.Byte() != 7 || !d.Bool() || d.Bool() ||
		string(d.Bytes()) != "ab" || d.String() != "" || d.Error() != nil ||
		*d.Error() != (flow.Error{Name: "N", Cause: "C"}) {
		t.Error("read something else than was written")
	}
	if d.Left() != 0 || d.Err != nil {
		t.Errorf("%d bytes left, %v", d.Left(), d.Err)
	}
	if d.Byte(); !errors.Is(d.Err, flow.ErrCorrupt) {
		t.Errorf("after the end: %v", d.Err)
	}
}

// TestValues: short values are written in place, long values as references.
func TestValues(t *testing.T) {
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
		"in event": {at(flow.Ref{Kind: flow.RefEvent, Event: 300, Field: flow.FieldOutput}), "",
			flow.Ref{Kind: flow.RefEvent, Event: 300, Field: flow.FieldOutput, Len: 100}},
		"in a row": {at(flow.Ref{Kind: flow.RefRow, Version: 9, Token: math.MaxUint64}), "",
			flow.Ref{Kind: flow.RefRow, Version: 9, Token: math.MaxUint64, Len: 100}},
		"the claim": {at(flow.Ref{Kind: flow.RefClaim}), "",
			flow.Ref{Kind: flow.RefClaim, Len: 100}},
	} {
		e := flow.Encoder{Inline: 50}
		e.Value(c.value)
		d := flow.NewDecoder(e.Buf)
		v := d.Value()
		switch {
		case d.Err != nil || d.Left() != 0:
			t.Errorf("%s: %v, %d left", name, d.Err, d.Left())
		case (v == nil) != (c.value == nil):
			t.Errorf("%s: %v", name, v)
		case v != nil && (string(v.Text()) != c.text || v.Ref() != c.ref ||
			v.Loaded() != (c.text != "")):
			t.Errorf("%s: %q %+v", name, v.Text(), v.Ref())
		case v != nil && v.Len() != c.value.Len():
			t.Errorf("%s: %d bytes", name, v.Len())
		}
	}
}

// TestLoadedValueKnowsItsLength: a loaded value has its length, even if its Ref had none.
func TestLoadedValueKnowsItsLength(t *testing.T) {
	v := flow.StoredValue(flow.Ref{Kind: flow.RefClaim})
	v.Load([]byte(`{"a":1}`))
	var e flow.Encoder
	e.Value(v)
	if again := flow.NewDecoder(e.Buf).Value(); again.Len() != 7 || again.Loaded() {
		t.Errorf("%d bytes", again.Len())
	}
}

func sampleEvents() []flow.HistoryEvent {
	in, out := flow.NewValue(map[string]any{"text": strings.Repeat("x", 100)}),
		flow.NewValue("short")
	return []flow.HistoryEvent{
		{ID: 1, Type: flow.ExecutionStarted, Node: -1, Time: 1000, Input: in},
		{ID: 2, Schedule: 1, Type: flow.StepEntered, Time: 1000, Input: in, Local: flow.Empty()},
		{ID: 3, Schedule: 2, Type: flow.StepSucceeded, Time: 1500, Output: out,
			Mark: math.MaxUint64},
		{ID: 4, Schedule: 3, Type: flow.StepExited, Time: 1500, Local: out},
		{ID: 5, Schedule: 2, Type: flow.StepFailed, Node: 3, Time: 999_999,
			Error: &flow.Error{Name: "E", Cause: "c"}},
	}
}

func TestEvents(t *testing.T) {
	events := sampleEvents()
	b := flow.AppendEvents(nil, 900, events[:2])
	b = flow.AppendEvents(b, 900, events[2:])
	got, err := flow.DecodeEvents(b, 900)
	if err != nil || len(got) != len(events) {
		t.Fatalf("%d events, %v", len(got), err)
	}
	for i, e := range events {
		g := got[i]
		if g.ID != e.ID || g.Schedule != e.Schedule || g.Type != e.Type || g.Node != e.Node ||
			g.Time != e.Time || g.Mark != e.Mark ||
			(g.Error == nil) != (e.Error == nil) || g.Error != nil && *g.Error != *e.Error ||
			(g.Input == nil) != (e.Input == nil) || (g.Local == nil) != (e.Local == nil) ||
			(g.Output == nil) != (e.Output == nil) {
			t.Errorf("want %+v\ngot  %+v", e, g)
		}
	}
	if v := got[1].Input; v.Loaded() || v.Ref() != (flow.Ref{Kind: flow.RefEvent, Event: 1,
		Field: flow.FieldInput, Len: 111}) {
		t.Errorf("a long value is stored twice: %+v", v.Ref())
	}
	if v := got[3].Local; !v.Loaded() || string(v.Text()) != `"short"` {
		t.Errorf("a short value is not at hand: %+v", v.Ref())
	}
	if v := got[0].Input; !v.Loaded() || v.Ref().Event != 1 {
		t.Errorf("%+v", v.Ref())
	}
}

func FuzzDecodeEvents(f *testing.F) {
	f.Add(flow.AppendEvents(nil, 900, sampleEvents()))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 200))
	f.Add(bytes.Repeat([]byte{1, 1, 1, 1, 1, 0}, 50))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := flow.DecodeEvents(b, 900)
		if len(events) > len(b) {
			t.Fatalf("%d events of %d bytes", len(events), len(b))
		}
		m := &flow.Machine{Nodes: []*flow.State{{Name: "a"}}}
		for i := range events {
			_ = events[i].Type.String() + events[i].StepName(m)
			events[i].AppendDetail(nil, m)
		}
		if err != nil {
			return
		}
		once := flow.AppendEvents(nil, 900, events)
		again, err := flow.DecodeEvents(once, 900)
		if err != nil || len(again) != len(events) {
			t.Fatalf("%d events became %d: %v", len(events), len(again), err)
		}
	})
}

func TestDetail(t *testing.T) {
	m := &flow.Machine{Language: flow.FlowV1, Nodes: []*flow.State{
		{Name: "a", Task: &flow.TaskSpec{Resource: "acs:fc:::x", Pattern: "sync"}},
		{Name: "b", Task: &flow.TaskSpec{Action: "fnf:X", Pattern: "requestResponse"}}}}
	for want, e := range map[string]flow.HistoryEvent{
		`{}`: {Type: flow.TaskStarted},
		`{"cause":"<c>","error":"E"}`: {Type: flow.StepFailed,
			Error: &flow.Error{Name: "E", Cause: "<c>"}},
		`{"input":{},"local":{}}`: {Type: flow.StepEntered, Input: flow.Empty(),
			Local: flow.Empty()},
		`{"input":{},"pattern":"sync","resourceArn":"acs:fc:::x"}`: {Type: flow.TaskScheduled,
			Input: flow.Empty()},
		`{"input":{},"pattern":"requestResponse","resourceArn":"fnf:X"}`: {Type: flow.TaskScheduled,
			Node: 1, Input: flow.Empty()},
		`{"output":"x"}`: {Type: flow.TaskSucceeded, Output: flow.NewValue("x")},
	} {
		if got := string(e.AppendDetail(nil, m)); got != want {
			t.Errorf("want %s, got %s", want, got)
		}
	}
}
