package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/store"
)

// reader is a client that pages through lists and histories while everything else goes on.
type reader struct {
	c *clients
	r *rand.Rand
	n int
}

// hasReader reports whether a run has a reader.
func (w *World) hasReader() bool {
	return w.number("reader")%3 == 0 && !w.large() && !slices.Contains(w.without, withoutReader)
}

// read runs a reader.
func (c *clients) read() {
	d := &reader{c: c, r: c.rand("reader")}
	for range 4 + d.r.IntN(6) {
		if !c.sleep(time.Duration(d.r.IntN(60_000)) * time.Millisecond) {
			return
		}
		d.n++
		switch d.r.IntN(3) {
		case 0:
			d.listFlows()
		case 1:
			d.listExecutions()
		case 2:
			d.history()
		}
	}
}

// pages reads page after page, repeats each request until it gets a response, and returns their
// contents. It returns false if it did not reach the end.
func pages[T any](d *reader, what string, page func(ctx context.Context, s *cloudflow.Service,
	token string) (on []T, next string, err error)) (all []T, whole bool) {
	type answer struct {
		on   []T
		next string
	}
	token := ""
	for range d.c.w.attemptsMax() {
		got, err := request(d.c.w, nil, fmt.Sprintf("reader %d %s", d.n, what),
			func(ctx context.Context, s *cloudflow.Service) (answer, error) {
				on, next, err := page(ctx, s, token)
				return answer{on, next}, err
			})
		if err != nil {
			d.judgeDamaged(what, err)
			if !retried(codeOf(err), err) ||
				!d.c.sleep(time.Duration(d.r.IntN(3000))*time.Millisecond) {
				return nil, false
			}
			continue
		}
		all = append(all, got.on...)
		if token = got.next; token == "" {
			return all, true
		}
	}
	return nil, false
}

func (d *reader) limit() *int64 {
	n := int64(1 + d.r.IntN(3))
	return &n
}

// listFlows checks that a list of flows contains each flow that exists all the time, once, in
// order.
func (d *reader) listFlows() {
	w := d.c.w
	var there []string
	d.c.note(fmt.Sprintf("reader %d begins", d.n), func() {
		for name, at := range d.c.since {
			if time.Since(at) > lagMax {
				there = append(there, name)
			}
		}
		slices.Sort(there)
	})
	limit := d.limit()
	names, whole := pages(d, "flows", func(ctx context.Context, s *cloudflow.Service,
		token string) (names []string, next string, err error) {
		page, err := s.ListFlows(ctx, flowOwnerCaller, cloudflow.ListFlowsRequest{Limit: limit,
			NextToken: token})
		if err != nil {
			return nil, "", err
		}
		for _, f := range page.Flows {
			names = append(names, f.Name)
		}
		return names, page.NextToken, nil
	})
	if whole {
		d.c.note(fmt.Sprintf("reader %d has listed", d.n),
			func() { w.judgeList("flows", names, there, 1) })
	}
}

// listExecutions checks that a list of executions contains each one that exists all the time, once,
// newest first.
func (d *reader) listExecutions() {
	w := d.c.w
	flow := d.c.flows[d.r.IntN(len(d.c.flows))].name
	var there []*run
	d.c.note(fmt.Sprintf("reader %d begins", d.n), func() {
		for _, partition := range w.partitions {
			if r := w.runs[partition]; r != nil && r.x.FlowID == d.c.ids[flow] &&
				r.x.MapRun == "" && time.Since(r.seen) > lagMax {
				there = append(there, r)
			}
		}
	})
	limit := d.limit()
	metadata := d.r.IntN(2) == 0
	places, whole := pages(d, "executions of "+flow, func(ctx context.Context, s *cloudflow.Service,
		token string) (places []string, next string, err error) {
		page, err := s.ListExecutions(ctx, flowOwnerCaller, cloudflow.ListExecutionsRequest{
			FlowName: flow, Limit: limit, NextToken: token, MetadataOnly: &metadata})
		if err != nil {
			return nil, "", err
		}
		for _, x := range page.Executions {
			places = append(places, place(x.StartedTime, x.Name))
		}
		return places, page.NextToken, nil
	})
	if !whole {
		return
	}
	d.c.note(fmt.Sprintf("reader %d has listed", d.n), func() {
		if len(w.damage.rows) > 0 {
			w.checked("damaged list")
		}
		var want []string
		for _, r := range there {
			if w.runs[r.x.Partition()] == r && r.x.Expires > time.Now().UnixMilli()+w.slack() {
				want = append(want, place(r.x.Started, r.x.Name))
			}
		}
		w.judgeList("executions of "+flow, places, want, -1)
	})
}

func place(started int64, name string) string { return fmt.Sprintf("%013d %s", started, name) }

// judgeList checks the order of a list, and that nothing is missing.
func (w *World) judgeList(what string, got, want []string, order int) {
	if len(want) > 0 {
		w.checked("list")
	}
	for i := range got {
		if i > 0 && (got[i] > got[i-1]) != (order > 0) || i > 0 && got[i] == got[i-1] {
			w.violate("list", "the list of %s has %s after %s", what, got[i], got[i-1])
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			w.violate("list", "the list of %s has not %s: %v", what, name, got)
		}
	}
}

// history checks that a history that grows while it is read equals the stored one, from its
// beginning to at least the length that it had when the reading began.
func (d *reader) history() {
	w := d.c.w
	var r *run
	least := 0
	d.c.note(fmt.Sprintf("reader %d begins", d.n), func() {
		if n := len(w.partitions); n > 0 {
			r = w.runs[w.partitions[d.r.IntN(n)]]
		}
		if r != nil {
			least = len(r.events)
		}
	})
	if r == nil || w.flowNow(r.x.Flow) != r.x.FlowID {
		return
	}
	limit := d.limit()
	*limit *= 5
	events, whole := pages(d, "history", func(ctx context.Context, s *cloudflow.Service,
		token string) ([]cloudflow.Event, string, error) {
		page, err := s.GetExecutionHistory(ctx, flowOwnerCaller,
			cloudflow.GetExecutionHistoryRequest{FlowName: r.x.Flow, ExecutionName: r.x.Name,
				Limit: limit, NextToken: token})
		if err != nil {
			return nil, "", err
		}
		return page.Events, page.NextToken, nil
	})
	if !whole {
		return
	}
	d.c.note(fmt.Sprintf("reader %d has read", d.n), func() {
		if w.runs[store.Partition(r.x.FlowID, r.x.Name)] != r || w.namesReused {
			return
		}
		if len(events) < least {
			w.violate("history response", "a reader has read %d events of %s, which had %d",
				len(events), r.x.Partition(), least)
			return
		}
		w.judgeEvents("a reader", r, events)
	})
}
