package store

import (
	"context"
	"errors"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// Events reads history events with from <= id, at most limit, in order. Their values may not be loaded yet.
func (s *Store) Events(ctx context.Context, x *Execution, from int64, limit int) ([]flow.HistoryEvent, error) {
	var out []flow.HistoryEvent
	add := func(events []flow.HistoryEvent) {
		for _, e := range events {
			if e.ID >= from && e.ID <= x.LastEvent && len(out) < limit {
				out = append(out, e)
			}
		}
	}
	if from < x.TailFirst {
		if err := s.flushed(ctx, x, from, func(events []flow.HistoryEvent) bool {
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
	return out, nil
}

// flushed visits history rows from the one that holds the event on, in order, until visit says stop.
func (s *Store) flushed(ctx context.Context, x *Execution, from int64, visit func([]flow.HistoryEvent) bool) error {
	partition, end := x.Partition(), eventSort(x.Run, x.TailFirst)
	rows, _, err := s.driver.Range(ctx, Range{Partition: partition, From: eventSort(x.Run, 0), To: eventSort(x.Run, from+1), Limit: 1, Reverse: true})
	if err != nil {
		return err
	}
	start := eventSort(x.Run, from)
	for more := true; ; {
		for _, row := range rows {
			events, err := flow.DecodeEvents(row.Data, x.Started)
			if err != nil {
				return fmt.Errorf("store: history row %s %s: %w", row.Partition, row.Sort, err)
			}
			if !visit(events) {
				return nil
			}
			start = row.Sort + "\x00"
		}
		if !more || start >= end {
			return nil
		}
		if rows, more, err = s.driver.Range(ctx, Range{Partition: partition, From: start, To: end, Limit: 16}); err != nil {
			return err
		}
	}
}

// LoadValues loads every value that is not loaded yet.
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
	cache := map[int64]*flow.HistoryEvent{}
	for i := range events {
		cache[events[i].ID] = &events[i]
	}
	var err error
	for i := range events {
		events[i].Values(func(_ byte, v *flow.Value) {
			if err != nil || v.Loaded() {
				return
			}
			r := v.Ref()
			if r.Kind != flow.RefEvent {
				err = s.LoadValue(ctx, x, v)
				return
			}
			if cache[r.Event] == nil { // many events may refer to one that is not among them: it is read once
				if cache[r.Event], err = s.event(ctx, x, r.Event); err != nil {
					return
				}
			}
			err = s.loadFrom(ctx, x, cache[r.Event], v)
		})
	}
	return err
}

// event reads one event.
func (s *Store) event(ctx context.Context, x *Execution, id int64) (*flow.HistoryEvent, error) {
	events, err := s.Events(ctx, x, id, 1)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 || events[0].ID != id {
		return nil, fmt.Errorf("%w: event %d of %s", ErrMissing, id, x.Partition())
	}
	return &events[0], nil
}

// loadFrom loads a value that stands in an event.
func (s *Store) loadFrom(ctx context.Context, x *Execution, e *flow.HistoryEvent, v *flow.Value) error {
	w := e.Value(v.Ref().Field)
	if w == nil || w.Ref().Kind == flow.RefEvent && !w.Loaded() {
		return fmt.Errorf("%w: event %d of %s", ErrMissing, e.ID, x.Partition())
	}
	if !w.Loaded() {
		if err := s.LoadValue(ctx, x, w); err != nil {
			return err
		}
	}
	v.Load(w.Text())
	return nil
}

// ErrMissing says that a value that a row names is not there.
var ErrMissing = errors.New("store: a stored value is missing")

// LoadValue loads one value from where it is stored.
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

func (s *Store) loadRows(ctx context.Context, x *Execution, v *flow.Value, r flow.Ref) error {
	text := make([]byte, 0, r.Len)
	from := valueSort(x.Run, r.Version, r.Token, 0)
	to := valueSort(x.Run, r.Version, r.Token, 9999)
	for {
		rows, more, err := s.driver.Range(ctx, Range{Partition: x.Partition(), From: from, To: to, Limit: 16})
		if err != nil {
			return err
		}
		for _, row := range rows {
			text = append(text, row.Data...)
			from = row.Sort + "\x00"
		}
		if !more {
			break
		}
	}
	if len(text) != r.Len {
		return fmt.Errorf("%w: %d of %d bytes in %s", ErrMissing, len(text), r.Len, x.Partition())
	}
	v.Load(text)
	return nil
}
