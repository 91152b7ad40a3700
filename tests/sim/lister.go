package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
)

// filter is the filter of a list of executions.
type filter struct {
	prefix, status string
	begin, end     int64 // ms since 1970, full seconds; 0: no bound
}

// listed is one row of such a list.
type listed struct {
	place, name, status string
	started             int64
}

// matches reports whether an execution matches the filter, whatever its status.
func (f *filter) matches(name string, started int64) bool {
	return strings.HasPrefix(name, f.prefix) && started >= f.begin &&
		(f.end == 0 || started < f.end)
}

// list starts a client that lists executions with filters while everything else goes on.
func (c *clients) list() {
	c.spawn(func() {
		d := &reader{c: c, r: c.rand("lister"), n: 1000} // besides the ordinary reader
		for range 6 + d.r.IntN(8) {
			if !c.sleep(time.Duration(d.r.IntN(60_000)) * time.Millisecond) {
				return
			}
			d.n++
			d.listSome()
		}
	})
}

// listSome lists executions with filters. Each row must match the filter, and no execution may be
// missing that matched from before the list began until it ended.
func (d *reader) listSome() {
	w := d.c.w
	f := filter{prefix: []string{"", "", "x", "x1", "o"}[d.r.IntN(5)],
		status: []string{"", "", "Running", "Succeeded", "Failed", "Stopped",
			"TimedOut"}[d.r.IntN(7)]}
	name := d.c.flows[d.r.IntN(len(d.c.flows))].name
	if d.c.flowOwner != nil && d.r.IntN(3) == 0 {
		name = d.c.flowOwner.name
	}
	if d.r.IntN(3) == 0 {
		f.begin = w.begun.Unix()*1000 + int64(d.r.IntN(200))*1000
	}
	if d.r.IntN(3) == 0 {
		f.end = w.begun.Unix()*1000 + int64(d.r.IntN(400))*1000
	}
	var there []*run
	flowID := ""
	d.c.note(fmt.Sprintf("reader %d begins", d.n), func() {
		flowID = w.flowNow(name)
		for _, partition := range w.partitions {
			if r := w.runs[partition]; r != nil && r.x.FlowID == flowID &&
				r.x.MapRun == "" && time.Since(r.seen) > lagMax && w.stays(r, f.status) {
				there = append(there, r)
			}
		}
	})
	q := cloudflow.ListExecutionsRequest{FlowName: name, Limit: d.limit(),
		ExecutionNamePrefix: f.prefix, Status: f.status}
	metadata := d.r.IntN(2) == 0
	if q.MetadataOnly = &metadata; f.begin > 0 {
		q.StartedTimeBegin = flow.FormatTime(f.begin)
	}
	if f.end > 0 {
		q.StartedTimeEnd = flow.FormatTime(f.end)
	}
	rows, whole := pages(d, "some executions of "+name,
		func(ctx context.Context, s *cloudflow.Service, token string) (rows []listed, next string,
			err error) {
			q := q
			q.NextToken = token
			page, err := s.ListExecutions(ctx, flowOwnerCaller, q)
			if err != nil {
				return nil, "", err
			}
			for _, x := range page.Executions {
				rows = append(rows, listed{place(x.StartedTime, x.Name), x.Name, x.Status,
					x.StartedTime})
			}
			return rows, page.NextToken, nil
		})
	if !whole {
		return
	}
	d.c.note(fmt.Sprintf("reader %d has listed", d.n), func() {
		if flowID != "" && w.flowNow(name) == flowID {
			w.judgeSome(name, &f, rows, there)
		}
	})
}

// flowNow returns the id of the flow that has a name, or had it last, regardless of the response to
// its creator (4024357).
func (w *World) flowNow(name string) string { return w.flows.names["f#"+account+"#"+name] }

// stays reports whether an execution has had a status for so long that every index shows it; "":
// any status.
func (w *World) stays(r *run, status string) bool {
	return status == "" || r.x.Status.String() == status && (status == "Running" ||
		time.Since(r.ended) > lagMax)
}

// judgeSome checks a list that was requested with a filter.
func (w *World) judgeSome(of string, f *filter, rows []listed, there []*run) {
	w.kinds["list with a filter"]++
	w.checked("filter")
	var places []string
	for i, x := range rows {
		places = append(places, x.place)
		switch {
		case !f.matches(x.name, x.started) || f.status != "" && x.status != f.status:
			w.violate("filter", "the list of %s with %+v has %+v", of, *f, x)
		case i > 0 && x.place >= rows[i-1].place:
			w.violate("filter", "the list of %s with %+v has %s after %s", of, *f, x.place,
				rows[i-1].place)
		}
	}
	for _, r := range there {
		gone := w.runs[r.x.Partition()] != r || r.x.Expires <= time.Now().UnixMilli()+slack
		if gone || !w.stays(r, f.status) || !f.matches(r.x.Name, r.x.Started) {
			continue
		}
		if !slices.Contains(places, place(r.x.Started, r.x.Name)) {
			w.violate("filter", "the list of %s with %+v has not %s: %v", of, *f, r.x.Name, places)
		}
	}
}
