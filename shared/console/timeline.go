package console

import (
	"html/template"
	"time"

	"millrace/shared/chart"
	"millrace/shared/flow"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// How many rows a timeline has, and how many items of one Map; those that failed come first.
const (
	timelineRowsMax  = 120
	timelineItemsMax = 10
)

// timeline draws when each state was entered and each attempt made; "" if there is nothing to draw.
// hidden is how many entries it leaves out.
func (pr *pageRequest) timeline(
	x *client.Execution, spans *history.Spans,
) (picture template.HTML, hidden int) {
	t := &timelineRows{pr: pr, inner: map[*history.Place][]*scopeSpans{}, now: pr.console.Now()}
	if x.Status != flow.Running.String() {
		t.now = spans.Until
	}
	var outer []*history.Span
	scopes := map[*history.Scope]*scopeSpans{}
	for _, s := range spans.Entries {
		owner := s.At.Scope.Owner
		if owner == nil {
			outer = append(outer, s)
			continue
		}
		scope := scopes[s.At.Scope]
		if scope == nil {
			scope = &scopeSpans{}
			scopes[s.At.Scope] = scope
			t.inner[owner] = append(t.inner[owner], scope)
		}
		scope.spans = append(scope.spans, s)
		scope.failed = scope.failed || s.Outcome == history.Failed
	}
	t.add(outer, 0)
	svg := chart.Timeline(pr.page.T("timeline"), t.rows, roughly)
	return template.HTML(svg), len(spans.Entries) + spans.Dropped - len(t.rows)
}

// scopeSpans are the entries of one branch or item.
type scopeSpans struct {
	spans  []*history.Span
	failed bool
}

type timelineRows struct {
	pr    *pageRequest
	inner map[*history.Place][]*scopeSpans // by the Parallel or Map
	now   time.Time                        // until when an open bar goes
	rows  []chart.Row
}

func (t *timelineRows) add(spans []*history.Span, depth int) {
	for _, s := range spans {
		if len(t.rows) >= timelineRowsMax {
			return
		}
		t.rows = append(t.rows, t.row(s, depth))
		for _, scope := range failedFirst(t.inner[s.At]) {
			t.add(scope.spans, depth+1)
		}
	}
}

// failedFirst returns a few of many branches or items.
func failedFirst(scopes []*scopeSpans) []*scopeSpans {
	if len(scopes) <= timelineItemsMax {
		return scopes
	}
	few := make([]*scopeSpans, 0, timelineItemsMax)
	for _, failed := range []bool{true, false} {
		for _, s := range scopes {
			if s.failed == failed && len(few) < timelineItemsMax {
				few = append(few, s)
			}
		}
	}
	return few
}

func (t *timelineRows) row(s *history.Span, depth int) chart.Row {
	name := s.At.String()
	row := chart.Row{Label: name, Depth: depth,
		Bars: []chart.Bar{t.bar(name, s.From, s.To, s.Outcome, s.Waits, false)}}
	for i, a := range s.Attempts {
		title := name + ", " + t.pr.page.T("attempt", i+1)
		if a.Submitted.IsZero() {
			row.Bars = append(row.Bars, t.bar(title, a.From, a.To, a.Outcome, false, true))
			continue
		}
		row.Bars = append(row.Bars, t.bar(title, a.From, a.Submitted, history.Succeeded, false, true),
			t.bar(title, a.Submitted, a.To, a.Outcome, a.Outcome != history.Failed, true))
	}
	return row
}

// bar returns the bar of an entry or attempt, with its words.
func (t *timelineRows) bar(
	name string, from, to time.Time, outcome history.Outcome, waits, narrow bool,
) chart.Bar {
	class := string(outcome)
	if outcome == history.StillOpen {
		to, class = t.now, "running"
	}
	if to.Before(from) {
		to = from
	}
	key := "bar " + class
	words := t.pr.page.T(key, name, roughly(to.Sub(from)))
	if waits {
		class = "waiting"
	}
	return chart.Bar{From: from, To: to, Class: class, Narrow: narrow, Title: words}
}
