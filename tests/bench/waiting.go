package main

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/bench/load"
	"millrace/tests/bench/report"
)

const (
	waitingClients = 64
	sampleClients  = 16
	waitingSample  = 100 // executions whose tasks are reported after the restart
	takeoverMax    = 5 * time.Second
	residentMax    = 400             // MB
	settleMax      = 5 * time.Second // time until freed memory returns to the system
)

// waits starts executions that wait on a callback, measures the memory that they take, kills the
// server, and measures how long the next process takes to recover them.
func (b *bench) waits(ctx context.Context) error {
	data := b.path("waiting")
	s, err := b.reopen(ctx, data)
	if err != nil {
		return err
	}
	defer func() { s.drop() }()
	f := report.Figure{Scenario: "waiting", Clients: waitingClients, Unit: "executions"}
	if f.Ours, err = b.submit(ctx, s); err != nil {
		return err
	}
	filled, err := s.Usage()
	if err != nil {
		return err
	}
	f.ServerCPU = filled.CPU / time.Duration(b.waiting)
	time.Sleep(min(settleMax, b.length))
	settled, err := s.Usage()
	if err != nil {
		return err
	}
	f.Resident = settled.Resident
	f.Add("executions that wait", "%d", b.waiting)
	f.Add("memory when the last was submitted, and the most", "%s, %s",
		report.Megabytes(filled.Resident), report.Megabytes(filled.Peak))

	s.Kill()
	begin := time.Now()
	if s, err = b.reopen(ctx, data); err != nil {
		return err
	}
	answers := time.Since(begin)
	if err := b.complete(ctx, s); err != nil {
		return err
	}
	took := time.Since(begin)
	f.Add("after kill -9", "answers after %s, %d callbacks have ended their executions after %s",
		answers.Round(time.Millisecond), min(waitingSample, b.waiting),
		took.Round(time.Millisecond))
	time.Sleep(min(settleMax, b.length))
	if u, err := s.Usage(); err == nil {
		f.Add("memory after the restart, and the most", "%s, %s", report.Megabytes(u.Resident),
			report.Megabytes(u.Peak))
	}
	over := report.Within(took, takeoverMax)
	over.Text += " until a restart has taken over"
	f.Floors = []report.Floor{report.Under(settled.Resident, residentMax), over}
	b.report.Figures = append(b.report.Figures, f)
	return s.Stop()
}

func waitingName(i int) string { return fmt.Sprintf("w%d", i) }

// submit starts the executions, waits until the tasks of all have been submitted, and returns the
// number per second.
func (b *bench) submit(ctx context.Context, s *target) (float64, error) {
	if err := s.create(ctx, "waiting", b.waitingFlow("waiting")); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := load.Each(ctx, waitingClients, b.waiting, func(ctx context.Context, _, i int) error {
		_, err := s.starts(ctx, "waiting", waitingName(i), fmt.Sprintf(`{"order":%d}`, i))
		return err
	})
	for last := begin; err == nil && b.tasks.submitted() < b.waiting; err = pause(ctx) {
		if time.Since(last) > time.Minute {
			return 0, fmt.Errorf("only %d of %d tasks were submitted", b.tasks.submitted(),
				b.waiting)
		}
	}
	if err != nil {
		return 0, err
	}
	took := time.Since(begin)
	return float64(b.waiting) / took.Seconds(),
		b.sampled(ctx, func(ctx context.Context, i int) error {
			return s.submitted(ctx, waitingName(i))
		})
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(10 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sampled calls f for executions that are spread evenly over all.
func (b *bench) sampled(ctx context.Context, f func(ctx context.Context, i int) error) error {
	n := min(waitingSample, b.waiting)
	return load.Each(ctx, sampleClients, n, func(ctx context.Context, _, k int) error {
		return f(ctx, (k+1)*b.waiting/n-1)
	})
}

// submitted waits until the history of an execution shows that its task has been submitted.
func (s *target) submitted(ctx context.Context, name string) error {
	for range 1000 {
		h, err := s.GetExecutionHistory(ctx,
			cloudflow.GetExecutionHistoryRequest{FlowName: "waiting", ExecutionName: name})
		if err != nil {
			return err
		}
		for _, e := range h.Events {
			if e.Type == "TaskSubmitted" {
				return nil
			}
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("the task of %s is never submitted", name)
}

// complete reports the tasks of some executions and waits for the ends of these.
func (b *bench) complete(ctx context.Context, s *target) error {
	return b.sampled(ctx, func(ctx context.Context, i int) error {
		_, err := s.ReportTaskSucceeded(ctx,
			cloudflow.ReportTaskSucceededRequest{TaskToken: b.tasks.token(i),
				Output: `{"done":true}`})
		if err != nil {
			return fmt.Errorf("report for %s: %w", waitingName(i), err)
		}
		x, err := s.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{FlowName: "waiting",
			ExecutionName: waitingName(i)})
		if err != nil {
			return err
		}
		return s.awaits(ctx, x)
	})
}
