package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/bench/load"
	"millrace/tests/bench/report"
)

const (
	listClients  = 64
	pageSize     = 100
	historyItems = 33_333 // items of the Map whose history is read: 100,000 events
)

// list measures pages of a flow with many executions, and of an execution with a long history.
func (b *bench) list(ctx context.Context) error {
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer s.drop()
	f := report.Figure{Scenario: "list", Clients: listClients, Unit: "executions"}
	if f.Ours, err = b.store(ctx, s); err != nil {
		return err
	}
	f.Add("executions stored", "%d", b.executions)
	if err := b.pages(ctx, s, &f); err != nil {
		return err
	}
	if err := b.history(ctx, s, &f); err != nil {
		return err
	}
	if u, err := s.Usage(); err == nil {
		f.Resident = u.Resident
	}
	b.report.Figures = append(b.report.Figures, f)
	return s.Stop()
}

// store runs executions to their ends and returns how many were started per second.
func (b *bench) store(ctx context.Context, s *target) (float64, error) {
	if err := s.create(ctx, "list", passFlow("list")); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := load.Each(ctx, listClients, b.executions, func(ctx context.Context, _, i int) error {
		_, err := s.starts(ctx, "list", fmt.Sprintf("x%d", i), `{"order":1}`)
		return err
	})
	return float64(b.executions) / time.Since(begin).Seconds(), err
}

// pages measures single pages, each several times.
func (b *bench) pages(ctx context.Context, s *target, f *report.Figure) error {
	limit, yes := int64(pageSize), true
	base := cloudflow.ListExecutionsRequest{FlowName: "list", Limit: &limit}
	short := base
	short.MetadataOnly = &yes
	tenth, err := s.tenth(ctx, short)
	if err != nil {
		return err
	}
	failed, prefix, recent := short, short, short
	failed.Status = "Failed"
	prefix.ExecutionNamePrefix = "x77"
	recent.StartedTimeBegin = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	recent.StartedTimeEnd = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, p := range []struct {
		name string
		q    cloudflow.ListExecutionsRequest
	}{
		{"first page of 100", base}, {"first page, metadata only", short},
		{"10th page, metadata only", tenth},
		{"a page by status, which none has", failed}, {"a page by name prefix, which one in 90 has",
			prefix},
		{"a page by time", recent},
	} {
		var page *client.ExecutionList
		took, err := median(func() (err error) {
			page, err = s.ListExecutions(ctx, p.q)
			return err
		})
		if err != nil {
			return err
		}
		more := ""
		if page.NextToken != "" {
			more = ", more follow"
		}
		f.Add(p.name, "%s, %d executions%s", took.Round(10*time.Microsecond), len(page.Executions),
			more)
	}
	return s.walk(ctx, prefix, f)
}

// walk reads all pages of a filter.
func (s *target) walk(ctx context.Context, q cloudflow.ListExecutionsRequest,
	f *report.Figure) error {
	begin, found, requests := time.Now(), 0, 0
	for {
		page, err := s.ListExecutions(ctx, q)
		if err != nil {
			return err
		}
		found += len(page.Executions)
		requests++
		if q.NextToken = page.NextToken; q.NextToken == "" {
			break
		}
	}
	f.Add("all pages by name prefix", "%s, %d executions in %d requests",
		time.Since(begin).Round(time.Millisecond), found, requests)
	return nil
}

// tenth reads up to the tenth page and returns the request for it.
func (s *target) tenth(ctx context.Context,
	q cloudflow.ListExecutionsRequest) (cloudflow.ListExecutionsRequest, error) {
	for range 9 {
		page, err := s.ListExecutions(ctx, q)
		if err != nil {
			return q, err
		}
		if page.NextToken == "" {
			break
		}
		q.NextToken = page.NextToken
	}
	return q, nil
}

// median returns the median duration of a call.
func median(f func() error) (time.Duration, error) {
	var times [11]time.Duration
	for i := range times {
		begin := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times[i] = time.Since(begin)
	}
	slices.Sort(times[:])
	return times[len(times)/2], nil
}

// history reads a long history from beginning to end.
func (b *bench) history(ctx context.Context, s *target, f *report.Figure) error {
	if err := s.create(ctx, "history", mapFlow("history", "P", passState)); err != nil {
		return err
	}
	if err := s.succeeds(ctx, "history", "all", itemsInput(historyItems)); err != nil {
		return err
	}
	var times []time.Duration
	begin := time.Now()
	n, err := s.events(ctx, "history", "all", func(d time.Duration) { times = append(times, d) })
	if err != nil {
		return err
	}
	took := time.Since(begin)
	slices.Sort(times)
	f.Add("a history", "%d events in %s; a page of 1,000: median %s, longest %s", n,
		took.Round(time.Millisecond),
		times[len(times)/2].Round(10*time.Microsecond),
		times[len(times)-1].Round(10*time.Microsecond))
	return nil
}
