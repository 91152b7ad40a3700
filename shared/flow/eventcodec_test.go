package flow_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"millrace/shared/flow"
)

// TestLoadedValueKnowsItsLength: a loaded value has its length, even if its Ref had none.
func TestLoadedValueKnowsItsLength(t *testing.T) {
	v := flow.StoredValue(flow.Ref{Kind: flow.RefClaim})
	v.Load([]byte(`{"a":1}`))
	var w flow.FieldWriter
	w.Value(1, v)
	r := flow.ReadFields(w.Buf)
	if !r.Next() {
		t.Fatal(r.Err)
	}
	if again := r.Value(); again.Len() != 7 || again.Loaded() {
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

// TestEventsShort: an event does not repeat what it shares with the event before it.
func TestEventsShort(t *testing.T) {
	events := []flow.HistoryEvent{
		{ID: 130, Schedule: 129, Type: flow.StateEntered, Node: 2, Time: 100_000},
		{ID: 131, Schedule: 130, Type: flow.StateStarted, Node: 2, Time: 100_000},
		{ID: 132, Schedule: 131, Type: flow.TaskScheduled, Node: 2, Time: 100_000}}
	if n := len(flow.AppendEvents(nil, 900, events)); n != 12+3+3 {
		t.Errorf("%d bytes", n)
	}
	second := flow.AppendEvents(nil, 900, events)[12:]
	if got, err := flow.DecodeEvents(second, 900); err == nil {
		t.Errorf("events without their first one are %+v", got)
	}
}

// TestEventsUnknown: events with fields and of types that a newer program has added.
func TestEventsUnknown(t *testing.T) {
	var w flow.FieldWriter
	w.Uint(1, 800)
	w.Uint(2, 5)
	w.Message(12, []byte{8, 1})
	w.String(2000, "trace")
	b := append([]byte{byte(len(w.Buf))}, w.Buf...)
	b = flow.AppendEvents(b, 900,
		[]flow.HistoryEvent{{ID: 6, Schedule: 5, Type: flow.StateSucceeded}})
	got, err := flow.DecodeEvents(b, 900)
	if err != nil || len(got) != 2 || got[0].ID != 5 || got[0].Type.String() != "Unknown" ||
		got[1].Type != flow.StateSucceeded {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzDecodeEvents(f *testing.F) {
	f.Add(flow.AppendEvents(nil, 900, sampleEvents()))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 200))
	f.Add(bytes.Repeat([]byte{2, 8, 1}, 50))
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
		for i, e := range events {
			if a := again[i]; a.ID != e.ID || a.Schedule != e.Schedule || a.Type != e.Type ||
				a.Node != e.Node || a.Time != e.Time || a.Mark != e.Mark {
				t.Fatalf("%+v became %+v", e, a)
			}
		}
	})
}

func TestDetail(t *testing.T) {
	m := &flow.Machine{Dialect: flow.FlowV1, Nodes: []*flow.State{
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
