package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/bench/load"
	"millrace/tests/bench/report"
)

const (
	scheduleClients  = 64
	schedulesPerFlow = 100
	// scheduleLead is the time to create the schedules, before they are due.
	scheduleLead = 20 * time.Second
	startedMax   = 5 * time.Second
)

// schedulesDue creates schedules that are all due in the same second, and measures how long after
// it their executions are started.
func (b *bench) schedulesDue(ctx context.Context) error {
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer s.drop()
	flows := (b.schedules + schedulesPerFlow - 1) / schedulesPerFlow
	name := func(i int) string { return fmt.Sprintf("due%d", i) }
	if err := load.Each(ctx, scheduleClients, flows, func(ctx context.Context, _, i int) error {
		return s.create(ctx, name(i), passFlow(name(i)))
	}); err != nil {
		return err
	}
	due := time.Now().UTC().Add(scheduleLead).Truncate(time.Second)
	expression := fmt.Sprintf("%d %d %d * * ?", due.Second(), due.Minute(), due.Hour())
	begin := time.Now()
	if err := load.Each(ctx, scheduleClients, b.schedules,
		func(ctx context.Context, _, i int) error {
			_, err := s.CreateSchedule(ctx, cloudflow.CreateScheduleRequest{
				FlowName: name(i % flows), ScheduleName: fmt.Sprintf("s%d", i/flows),
				CronExpression: expression, Payload: `{"order":1}`})
			return err
		}); err != nil {
		return err
	}
	created := time.Since(begin)
	before, _ := s.Usage()
	late, err := s.startedAfter(ctx, due, b.schedules, flows, name)
	if err != nil {
		return err
	}
	last := late[len(late)-1]
	f := report.Figure{Scenario: "schedules", Clients: scheduleClients, Unit: "executions",
		Ours: float64(b.schedules) / last.Seconds(), P50: late[len(late)/2],
		P99: late[len(late)*99/100]}
	if u, err := s.Usage(); err == nil {
		f.Resident, f.ServerCPU = u.Resident, (u.CPU-before.CPU)/time.Duration(b.schedules)
	}
	f.Add("schedules created", "%d in %s", b.schedules, created.Round(time.Millisecond))
	f.Add("the last was started", "%s after its second", last.Round(time.Millisecond))
	floor := report.Within(last, startedMax)
	floor.Text += fmt.Sprintf(" until %d schedules of one second have started", b.schedules)
	f.Floors = []report.Floor{floor}
	b.report.Figures = append(b.report.Figures, f)
	return s.Stop()
}

// startedAfter waits until every schedule has started an execution, and returns how long after the
// planned time each was started, the shortest first.
func (s *target) startedAfter(
	ctx context.Context, due time.Time, schedules, flows int, name func(int) string,
) ([]time.Duration, error) {
	limit, brief := int64(schedulesPerFlow), true
	for deadline := due.Add(time.Minute); ; {
		select {
		case <-time.After(time.Until(due.Add(startedMax)) + 500*time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		var mu sync.Mutex
		var late []time.Duration
		if err := load.Each(ctx, 8, flows, func(ctx context.Context, _, i int) error {
			page, err := s.ListExecutions(ctx, cloudflow.ListExecutionsRequest{FlowName: name(i),
				Limit: &limit, MetadataOnly: &brief})
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, x := range page.Executions {
				late = append(late, x.StartedTime.Time().Sub(due))
			}
			return nil
		}); err != nil {
			return nil, err
		}
		switch {
		case len(late) == schedules:
			slices.Sort(late)
			return late, nil
		case time.Now().After(deadline):
			return nil, fmt.Errorf("%d of %d schedules have started an execution", len(late),
				schedules)
		}
	}
}
