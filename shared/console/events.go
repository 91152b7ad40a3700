package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// How many events a page shows: at each end of a history, on a page of events, and how many it may
// look through for those that a reader searches, within a time.
const (
	endRows    = 40
	eventsRows = 100
	searchMax  = 20000
	searchTime = 600 * time.Millisecond
)

// eventRows are the events at both ends of a history.
type eventRows struct {
	First, Last []client.Event
	Hidden      int64  // how many are between them
	Next        string // the address of the page with those; "" if Hidden is 0
}

// last returns the id of the last event that is shown, at least known.
func (r *eventRows) last(known int64) int64 {
	for _, list := range [][]client.Event{r.First, r.Last} {
		if n := len(list); n > 0 {
			known = max(known, list[n-1].EventID)
		}
	}
	return known
}

// bothEnds reads the first and the last events of a history.
func (pr *pageRequest) bothEnds(flowName, name string) (*eventRows, error) {
	limit := int64(endRows)
	got, err := pr.api.GetExecutionHistory(pr.ctx, cloudflow.GetExecutionHistoryRequest{
		FlowName: flowName, ExecutionName: name, Limit: &limit})
	if err != nil {
		return nil, err
	}
	rows := &eventRows{First: got.Events}
	if got.NextToken == "" {
		return rows, nil
	}
	between := got.Events[len(got.Events)-1].EventID
	newest, err := pr.lastEvents(pr.ctx, flowName, name, limit)
	if err != nil {
		return nil, err
	}
	for i := len(newest) - 1; i >= 0; i-- {
		if newest[i].EventID > between {
			rows.Last = append(rows.Last, newest[i])
		}
	}
	rows.Next = pathOf(flowName, name) + "/events?from=" + url.QueryEscape(got.NextToken)
	if len(rows.Last) > 0 {
		if rows.Hidden = rows.Last[0].EventID - between - 1; rows.Hidden == 0 {
			rows.Next = ""
		}
	}
	return rows, nil
}

// eventsPage shows events of an execution that a reader pages through or searches.
type eventsPage struct {
	Flow, Execution   string
	Text, State, Type string // what is searched
	From              string // where the page begins
	Events            []client.Event
	Next              string // the address of the next page; "" at the end
	Looked            int    // how many events the search has looked through
}

// Filtered reports whether the page searches.
func (p *eventsPage) Filtered() bool { return p.Text != "" || p.State != "" || p.Type != "" }

// matches reports whether an event is what the reader searches. Upper and lower case are alike in
// the text alone.
func (p *eventsPage) matches(e *client.Event) bool {
	return (p.State == "" || e.StepName == p.State) &&
		(p.Type == "" || strings.HasPrefix(e.Type, p.Type)) &&
		(p.Text == "" || strings.Contains(strings.ToLower(e.EventDetail), strings.ToLower(p.Text)))
}

// events shows a page of events. A search goes through the whole history, a part of it for each
// page.
func (pr *pageRequest) events() error {
	q := pr.r.URL.Query()
	p := &eventsPage{Flow: pr.r.PathValue("flow"), Execution: pr.r.PathValue("execution"),
		Text: q.Get("text"), State: q.Get("state"), Type: q.Get("type"), From: q.Get("from")}
	next, err := pr.search(p)
	if err != nil {
		return err
	}
	if next != "" {
		p.Next = pathOf(p.Flow, p.Execution) + "/events?" + url.Values{"text": {p.Text},
			"state": {p.State}, "type": {p.Type}, "from": {next}}.Encode()
	}
	return pr.ok("events", p.Execution, p)
}

// search fills a page with events that match, and returns where the next page begins.
func (pr *pageRequest) search(p *eventsPage) (next string, err error) {
	began, limit := time.Now(), int64(eventsRows)
	if p.Filtered() {
		limit = readPage
	}
	next = p.From
	for {
		got, err := pr.api.GetExecutionHistory(pr.ctx, cloudflow.GetExecutionHistoryRequest{
			FlowName: p.Flow, ExecutionName: p.Execution, NextToken: next, Limit: &limit})
		if err != nil {
			return "", err
		}
		for i := range got.Events {
			e := &got.Events[i]
			if len(p.Events) == eventsRows { // it goes on with this one
				return strconv.FormatInt(e.EventID, 10), nil
			}
			if p.Looked++; p.matches(e) {
				p.Events = append(p.Events, *e)
			}
		}
		if next = got.NextToken; next == "" || len(p.Events) == eventsRows ||
			p.Looked >= searchMax || time.Since(began) > searchTime {
			return next, nil
		}
	}
}

// rawEvent sends the detail of one event as it is.
func (pr *pageRequest) rawEvent() error {
	id, err := strconv.ParseInt(pr.r.PathValue("event"), 10, 64)
	if err != nil || id < 1 {
		return pr.missing()
	}
	e, err := pr.event(pr.ctx, pr.r.PathValue("flow"), pr.r.PathValue("execution"), id)
	if err != nil {
		return err
	}
	if e == nil {
		return pr.missing()
	}
	h := pr.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="event.json"`)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	pr.w.WriteHeader(http.StatusOK)
	_, err = pr.w.Write([]byte(e.EventDetail))
	return err
}

// Types are the beginnings of types that a reader can search by.
func (eventsPage) Types() []string {
	return []string{"Execution", "State", "StateEntered", "StateFailed", "Task", "TaskScheduled",
		"TaskFailed", "TaskTimedOut", "MapRun", "Step", "Iteration", "Branch"}
}

// live waits for what happens to an execution after an event, and shows the parts of its page that
// may have changed, and the new events.
func (pr *pageRequest) live() error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PathValue("execution")
	after, err := strconv.ParseInt(pr.r.URL.Query().Get("after"), 10, 64)
	if err != nil || after < 0 {
		return pr.missing()
	}
	fresh, err := pr.eventsAfter(flowName, name, after)
	if err != nil {
		return err
	}
	x, err := pr.describe()
	if err != nil {
		return err
	}
	p := &executionPage{Execution: x, Last: after}
	if err := pr.fill(p); err != nil {
		return err
	}
	p.Rows = &eventRows{Last: fresh}
	p.Last = p.Rows.last(after)
	pr.page.Root = strings.TrimSuffix(pr.page.Root, "../") // the page is one folder above
	return pr.fragment("execution", p)
}

// eventsAfter waits for events after one and returns them; if there are many, the last ones.
func (pr *pageRequest) eventsAfter(
	flowName, name string, after int64,
) ([]client.Event, error) {
	limit, wait := int64(eventsRows), int64(pr.console.Hold/time.Second)
	if pr.r.URL.Query().Get("state") == "reading" {
		wait = 0 // the page wants to count more of what is there
	}
	q := cloudflow.GetExecutionHistoryRequest{FlowName: flowName, ExecutionName: name,
		NextToken: strconv.FormatInt(after+1, 10), Limit: &limit}
	if wait > 0 {
		q.WaitTimeSeconds = &wait
	}
	got, err := pr.api.GetExecutionHistory(pr.ctx, q)
	if err != nil {
		return nil, err
	}
	fresh := got.Events
	if got.NextToken != "" {
		newest, err := pr.lastEvents(pr.ctx, flowName, name, limit)
		if err != nil {
			return nil, err
		}
		if len(newest) > 0 {
			fresh = nil
			for i := len(newest) - 1; i >= 0; i-- {
				fresh = append(fresh, newest[i])
			}
		}
	}
	kept := fresh[:0]
	for _, e := range fresh {
		if e.EventID > after {
			kept = append(kept, e)
		}
	}
	return kept, nil
}
