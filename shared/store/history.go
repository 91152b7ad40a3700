package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
	"millrace/shared/value"
)

// Events reads history events with from <= id, in order, at most limit. Their values may not be
// loaded yet.
func (s *Store) Events(
	ctx context.Context, x *Execution, from int64, limit int,
) ([]flow.HistoryEvent, error) {
	var out []flow.HistoryEvent
	from = max(from, 1)
	add := func(events []flow.HistoryEvent) {
		for _, e := range events {
			if e.ID >= from && e.ID <= x.LastEvent && len(out) < limit {
				out = append(out, e)
			}
		}
	}
	if from < x.TailFirst {
		if err := s.visitHistoryRows(ctx, x, from, func(events []flow.HistoryEvent) bool {
			add(events)
			return len(out) < limit
		}); err != nil {
			return nil, err
		}
	}
	if len(out) < limit {
		tail, err := flow.DecodeEvents(x.Tail, x.Started)
		if err != nil {
			return nil, err
		}
		add(tail)
	}
	if want := min(int64(limit), x.LastEvent-from+1); int64(len(out)) < want {
		return nil, errMissingEvent(x, from+int64(len(out)))
	}
	return out, checkEvents(rowKey(x.Partition(), eventSort(x.Run, from)), from, out)
}

// visitHistoryRows visits history rows in order, beginning with the row that holds event from,
// until visit returns false.
func (s *Store) visitHistoryRows(
	ctx context.Context, x *Execution, from int64, visit func([]flow.HistoryEvent) bool,
) error {
	partition, end := x.Partition(), eventSort(x.Run, x.TailFirst)
	rows, _, err := s.driver.Range(ctx, driver.Range{
		Partition: partition, From: eventSort(x.Run, 0),
		To: eventSort(x.Run, from+1), Limit: 1, Reverse: true})
	if err != nil {
		return err
	}
	start := eventSort(x.Run, from)
	for more := true; ; {
		for _, row := range rows {
			events, err := decodeHistory(row, x)
			if err != nil {
				return err
			}
			if !visit(events) {
				return nil
			}
			start = row.Sort + "\x00"
		}
		if !more || start >= end {
			return nil
		}
		if rows, more, err = s.driver.Range(ctx, driver.Range{
			Partition: partition, From: start, To: end, Limit: s.sizes.valueRows(),
		}); err != nil {
			return err
		}
	}
}

// LoadValues loads each value that is not loaded yet.
func (s *Store) LoadValues(ctx context.Context, x *Execution, values []*flow.Value) error {
	for _, v := range values {
		if v != nil && !v.Loaded() {
			if err := s.LoadValue(ctx, x, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// LoadEvents loads the values of events.
func (s *Store) LoadEvents(ctx context.Context, x *Execution, events []flow.HistoryEvent) error {
	l := s.Loader(x, events)
	for i := range events {
		if err := l.Load(ctx, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

// Loader loads values of the events of one execution. It keeps the events that it reads, because
// many values refer to the same event or to other events of its row. It is not safe for concurrent
// use.
type Loader struct {
	s      *Store
	x      *Execution
	events map[int64]*flow.HistoryEvent
}

// Loader returns a Loader that already holds events.
func (s *Store) Loader(x *Execution, events []flow.HistoryEvent) *Loader {
	l := &Loader{s, x, make(map[int64]*flow.HistoryEvent, len(events))}
	l.AddEvents(events)
	return l
}

// AddEvents adds events of the execution, so that the loader need not read them. The caller must
// not move them while it uses the loader.
func (l *Loader) AddEvents(events []flow.HistoryEvent) {
	for i := range events {
		if l.events[events[i].ID] == nil {
			l.events[events[i].ID] = &events[i]
		}
	}
}

// Load loads the values of an event.
func (l *Loader) Load(ctx context.Context, e *flow.HistoryEvent) error {
	var err error
	e.Values(func(_ byte, v *flow.Value) {
		if err == nil && !v.Loaded() {
			err = l.value(ctx, v)
		}
	})
	return err
}

func (l *Loader) value(ctx context.Context, v *flow.Value) error {
	r := v.Ref()
	if r.Kind != flow.RefEvent {
		return l.s.LoadValue(ctx, l.x, v)
	}
	if l.events[r.Event] == nil {
		events, err := l.s.eventsOfSameRow(ctx, l.x, r.Event)
		if err != nil {
			return err
		}
		l.AddEvents(events)
	}
	return l.s.loadFrom(ctx, l.x, l.events[r.Event], v)
}

// event reads one event.
func (s *Store) event(ctx context.Context, x *Execution, id int64) (*flow.HistoryEvent, error) {
	events, err := s.eventsOfSameRow(ctx, x, id)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(events, func(e flow.HistoryEvent) bool { return e.ID == id })
	return &events[at], nil
}

func errMissingEvent(x *Execution, id int64) error {
	return fmt.Errorf("%w: event %d of %s", ErrMissing, id, x.Partition())
}

// eventsOfSameRow reads the events of the row that holds event id, which is among them.
func (s *Store) eventsOfSameRow(
	ctx context.Context, x *Execution, id int64,
) (events []flow.HistoryEvent, err error) {
	if id >= x.TailFirst {
		events, err = flow.DecodeEvents(x.Tail, x.Started)
	} else {
		err = s.visitHistoryRows(ctx, x, id, func(row []flow.HistoryEvent) bool {
			events = row
			return false
		})
	}
	if err != nil {
		return nil, err
	}
	if id > x.LastEvent || !slices.ContainsFunc(events,
		func(e flow.HistoryEvent) bool { return e.ID == id }) {
		return nil, errMissingEvent(x, id)
	}
	return events, nil
}

// loadFrom loads a value whose text is in event e.
func (s *Store) loadFrom(
	ctx context.Context, x *Execution, e *flow.HistoryEvent, v *flow.Value,
) error {
	w := e.Value(v.Ref().Field)
	if w == nil || w.Ref().Kind == flow.RefEvent && !w.Loaded() {
		return errMissingEvent(x, e.ID)
	}
	if !w.Loaded() {
		if err := s.LoadValue(ctx, x, w); err != nil {
			return err
		}
	}
	v.Load(w.Text())
	return nil
}

// ErrMissing is returned if a row refers to a value that does not exist.
var ErrMissing = errors.New("store: a stored value is missing")

// LoadValue loads one value from the place that its reference names.
func (s *Store) LoadValue(ctx context.Context, x *Execution, v *flow.Value) error {
	switch r := v.Ref(); r.Kind {
	case flow.RefClaim:
		text, err := s.InputText(ctx, x)
		if err != nil {
			return err
		}
		if len(text) == 0 {
			text = []byte("{}")
		}
		canonical, err := value.Canonical(text)
		if err != nil {
			return err
		}
		v.Load(canonical)
		return nil
	case flow.RefRow:
		return s.loadRows(ctx, x, v, r)
	case flow.RefEvent:
		e, err := s.event(ctx, x, r.Event)
		if err != nil {
			return err
		}
		return s.loadFrom(ctx, x, e, v)
	}
	return ErrMissing
}

// loadRows joins the rows of a value. It allocates memory by the sizes of these rows, because the
// length in the reference may be damaged.
func (s *Store) loadRows(ctx context.Context, x *Execution, v *flow.Value, r flow.Ref) error {
	var parts [][]byte
	size := 0
	from := valueSort(x.Run, r.Version, r.Token, 0)
	to := valueSort(x.Run, r.Version, r.Token, 9999)
	for more := true; more; {
		rows, further, err := s.driver.Range(ctx,
			driver.Range{Partition: x.Partition(), From: from, To: to, Limit: s.sizes.valueRows()})
		if err != nil {
			return err
		}
		for _, row := range rows {
			parts, size = append(parts, row.Data), size+len(row.Data)
			from = row.Sort + "\x00"
		}
		more = further
	}
	if size != r.Len {
		return fmt.Errorf("%w: %d of %d bytes in %s", ErrMissing, size, r.Len, x.Partition())
	}
	v.Load(bytes.Join(parts, nil))
	return nil
}
