package flow

import "math"

// EventInline is the length in bytes of the longest value that an event contains; longer values get
// rows of their own.
const EventInline = 1 << 10

// eventRepeatInline is the length in bytes of the longest value that an event repeats although an
// earlier event contains it.
const eventRepeatInline = 24

// Fields of a history event. Each event is preceded by its length. An event without eventID follows
// the event before it and has its node and its time, unless it has those fields itself. Programs
// append to encoded events but never write them again, so events are open without being kept.
const (
	eventType  = 1
	eventID    = 2
	eventBack  = 3 // number of events from Schedule to this one; absent: 1
	eventNode  = 4
	eventTime  = 5 // since the start of the execution
	eventValue = 6 // FieldInput; FieldLocal and FieldOutput are 7 and 8
	eventError = 9 // and 10
	eventMark  = 11
)

// AppendEvents encodes events in order. Times are relative to base, the start of the execution. The
// results of several calls can be concatenated. It sets the Ref of values that have none to the
// event.
func AppendEvents(dst []byte, base int64, events []HistoryEvent) []byte {
	w := FieldWriter{Buf: dst, Inline: eventRepeatInline}
	for i := range events {
		ev := &events[i]
		start := w.beginLength()
		w.Uint(eventType, uint64(ev.Type))
		if i == 0 || ev.ID != events[i-1].ID+1 {
			w.PresentUint(eventID, uint64(ev.ID))
		}
		if back := ev.ID - ev.Schedule; back != 1 {
			w.PresentUint(eventBack, uint64(back))
		}
		if i == 0 || ev.Node != events[i-1].Node {
			w.PresentInt(eventNode, int64(ev.Node))
		}
		if i == 0 || ev.Time != events[i-1].Time {
			w.PresentInt(eventTime, ev.Time-base)
		}
		w.eventValue(ev.ID, FieldInput, ev.Input)
		w.eventValue(ev.ID, FieldLocal, ev.Local)
		w.eventValue(ev.ID, FieldOutput, ev.Output)
		w.Error(eventError, ev.Error)
		w.Fixed(eventMark, ev.Mark)
		w.End(start)
	}
	return w.Buf
}

func (w *FieldWriter) eventValue(id int64, field byte, v *Value) {
	if v == nil {
		return
	}
	w.Value(eventValue+int(field), v)
	if v.ref.Kind == RefNone {
		v.SetRef(Ref{Kind: RefEvent, Event: id, Field: field})
	}
}

// DecodeEvents decodes the concatenated results of AppendEvents with the same base.
func DecodeEvents(b []byte, base int64) ([]HistoryEvent, error) {
	r := ReadFields(b)
	var events []HistoryEvent
	var ev HistoryEvent
	for r.nextLength() {
		ev = HistoryEvent{ID: ev.ID + 1, Node: ev.Node, Time: ev.Time}
		back, known := int64(1), len(events) > 0
		after := r.Enter()
		for r.Next() {
			known = r.eventField(&ev, &back, base) || known
		}
		r.Leave(after)
		if r.Err == nil && (!known || ev.Type == 0) {
			r.Fail()
		}
		if r.Err != nil {
			break
		}
		ev.Schedule = ev.ID - back
		ev.refer(FieldInput, ev.Input)
		ev.refer(FieldLocal, ev.Local)
		ev.refer(FieldOutput, ev.Output)
		events = append(events, ev)
	}
	return events, r.Err
}

// eventField reads a field of an event. It reports whether it is the event's id.
func (r *FieldReader) eventField(ev *HistoryEvent, back *int64, base int64) bool {
	switch r.Field {
	case eventType:
		ev.Type = EventType(r.Small(math.MaxUint16))
	case eventID:
		ev.ID = int64(r.Uint())
		return true
	case eventBack:
		*back = int64(r.Uint())
	case eventNode:
		ev.Node = int(r.Int())
	case eventTime:
		ev.Time = base + r.Int()
	case eventValue + int(FieldInput):
		ev.Input = r.Value()
	case eventValue + int(FieldLocal):
		ev.Local = r.Value()
	case eventValue + int(FieldOutput):
		ev.Output = r.Value()
	case eventError:
		r.ErrorName(&ev.Error)
	case eventError + 1:
		r.ErrorCause(&ev.Error)
	case eventMark:
		ev.Mark = r.Fixed()
	}
	return false
}

// refer sets the Ref of a value that the event contains.
func (e *HistoryEvent) refer(field byte, v *Value) {
	if v != nil && v.text != nil {
		v.SetRef(Ref{Kind: RefEvent, Event: e.ID, Field: field})
	}
}
