package main

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/tests/bench/ceiling"
	"millrace/tests/bench/report"
)

// The maximum durations of a Map of 10,000 items: of an inline one, and of a distributed one with
// Express and with Standard children.
const (
	mapMax      = 10 * time.Second
	expressMax  = 3 * time.Second
	standardMax = 15 * time.Second
)

// mapItems runs one execution with many items, once with a Pass and once with a task for each, and
// with a child execution for each.
func (b *bench) mapItems(ctx context.Context) error {
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer s.drop()
	pass := mapFlow("map-pass", "P", passState)
	if err := b.mapOnce(ctx, s, "map-pass", pass, 0, mapMax); err != nil {
		return err
	}
	definition := mapFlow("map-http", "T", b.taskState("T", "", keepOrder))
	bound, err := b.ceilingOfMap(ctx, definition)
	if err != nil {
		return err
	}
	if err := b.mapOnce(ctx, s, "map-http", definition, bound, mapMax); err != nil {
		return err
	}
	for _, c := range []struct {
		name, mode string
		max        time.Duration
	}{
		{"map-express", flow.Express, expressMax}, {"map-standard", flow.Standard, standardMax},
	} {
		children := distributed(mapFlow(c.name, "T", b.taskState("T", "", keepOrder)), c.mode)
		if err := b.mapOnce(ctx, s, c.name, children, bound, c.max); err != nil {
			return err
		}
	}
	return s.Stop()
}

// mapOnce measures one flow. bound is the ceiling in items per second, durationMax the floor.
func (b *bench) mapOnce(ctx context.Context, s *target, name, definition string,
	bound float64, durationMax time.Duration) error {
	if err := s.create(ctx, name, definition); err != nil {
		return err
	}
	before, _ := s.Usage()
	begin := time.Now()
	if err := s.succeeds(ctx, name, "all", itemsInput(b.items)); err != nil {
		return err
	}
	took := time.Since(begin)
	f := report.Figure{Scenario: name, Clients: 1, Unit: "items",
		Ours: float64(b.items) / took.Seconds(), Ceiling: bound}
	if u, err := s.Usage(); err == nil {
		f.Resident, f.ServerCPU = u.Resident, (u.CPU-before.CPU)/time.Duration(b.items)
	}
	f.Add("whole execution", "%d items in %s", b.items, took.Round(time.Millisecond))
	floor := report.Within(took, durationMax)
	floor.Text += fmt.Sprintf(" for %d items", b.items)
	f.Floors = []report.Floor{floor}
	events, err := s.events(ctx, name, "all", nil)
	if err != nil {
		return err
	}
	f.Add("history", "%d events", events)
	b.report.Figures = append(b.report.Figures, f)
	return nil
}

// ceilingOfMap measures the ceiling with the same number of calls and the same concurrency, and a
// record after each call.
func (b *bench) ceilingOfMap(ctx context.Context, definition string) (float64, error) {
	s, err := b.openCeiling(ctx,
		map[string]ceiling.Flow{"map": {Definition: definition, AtOnce: b.items, Limit: 100}})
	if err != nil {
		return 0, err
	}
	defer s.drop()
	var took time.Duration
	for range 2 { // the first one warms up
		begin := time.Now()
		if err := s.succeeds(ctx, "map", "all", `{"order":1}`); err != nil {
			return 0, err
		}
		took = time.Since(begin)
	}
	return float64(b.items) / took.Seconds(), nil
}

// events pages through a history, 1,000 events at a time, and returns its length. If page is not
// nil, events calls it with the duration of each page.
func (s *target) events(ctx context.Context, flow, execution string,
	page func(time.Duration)) (n int, err error) {
	limit := int64(1000)
	q := cloudflow.GetExecutionHistoryRequest{FlowName: flow, ExecutionName: execution,
		Limit: &limit}
	for {
		begin := time.Now()
		h, err := s.GetExecutionHistory(ctx, q)
		if err != nil {
			return n, err
		}
		if page != nil {
			page(time.Since(begin))
		}
		n += len(h.Events)
		if q.NextToken = h.NextToken; q.NextToken == "" {
			return n, nil
		}
	}
}
