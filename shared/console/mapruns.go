package console

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/shared/chart"
	"millrace/shared/cloudflow"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// How many MapRuns a page of an execution asks for their counts, and how many failed children a page
// of a MapRun shows first, with their errors.
const (
	mapRunsMax     = 10
	failedFirstMax = 20
)

// mapRunRow is a MapRun on the page of its execution.
type mapRunRow struct {
	Name, Place string
	Run         *client.MapRun // nil if its counts are not known
}

// mapRunRows returns the MapRuns of an execution, with the counts of the latest of them.
func (pr *pageRequest) mapRunRows(x *client.Execution, run *history.Run) (rows []mapRunRow) {
	for i, r := range run.MapRuns {
		row := mapRunRow{Name: r.Name, Place: r.At.String()}
		if i >= len(run.MapRuns)-mapRunsMax {
			got, err := pr.api.DescribeMapRun(pr.ctx, cloudflow.MapRunRequest{FlowName: x.FlowName,
				ExecutionName: x.Name, MapRunName: r.Name})
			if err == nil { // else the name alone is shown, as for an endpoint without MapRuns
				row.Run = got
				setItems(run.States, r.At.State, got.ItemCounts)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// childLink leads to an execution that a task has started.
type childLink struct{ Flow, Execution, Place string }

func childLinks(run *history.Run) (links []childLink) {
	for _, c := range run.Children {
		links = append(links, childLink{c.Flow, c.Execution, c.At.String()})
	}
	return links
}

// mapRunPage shows a MapRun with its children.
type mapRunPage struct {
	Flow, Execution string
	Run             *client.MapRun
	Items           cloudflow.ItemCounts
	Shares          template.HTML
	Rate            string // items a second or a minute; "" if not known
	Left            string // about how long it will go on; "" if not known
	Failed          []failedChild
	Errors          []errorCount
	Status          string // the children are filtered by it; "" is every one
	Children        []client.Execution
	Next            string // the address of the next page of children; "" on the last
	Wrong           string
}

// Running reports whether the MapRun has not ended.
func (p *mapRunPage) Running() bool { return p.Run.Status == "Running" || p.Run.Status == "Pending" }

// Statuses are those that the children can be filtered by.
func (mapRunPage) Statuses() []string { return executionsPage{}.Statuses() }

// failedChild is a child that has failed, with its error.
type failedChild struct {
	client.Execution
	Item        string // the index of the item or batch
	Error       string
	Cause       string
	Unavailable string // why the error is not known
}

// errorCount is how many of the failed children that a page looked at have an error.
type errorCount struct {
	Error string
	Count int
}

func mapRunPath(flowName, execution, name string) string {
	return pathOf(flowName, execution) + "/mapruns/" + url.PathEscape(name)
}

func (pr *pageRequest) mapRun() error { return pr.showMapRun("") }

// showMapRun shows the MapRun of the address, and what could not be changed of it.
func (pr *pageRequest) showMapRun(wrong string) error {
	names := pr.mapRunNames()
	got, err := pr.api.DescribeMapRun(pr.ctx, names)
	if err != nil {
		return err
	}
	p := &mapRunPage{Flow: names.FlowName, Execution: names.ExecutionName, Run: got, Wrong: wrong,
		Status: pr.r.URL.Query().Get("status")}
	if got.ItemCounts != nil {
		p.Items = *got.ItemCounts
	}
	p.Rate, p.Left = pace(got, p.Items, pr.console.Now())
	p.Shares = pr.sharesOf(p)
	if p.Failed, err = pr.failedChildren(names); err != nil {
		return err
	}
	p.Errors = countErrors(p.Failed)
	if err := pr.children(p); err != nil {
		return err
	}
	return pr.ok("maprun", got.MapRunName, p)
}

func (pr *pageRequest) mapRunNames() cloudflow.MapRunRequest {
	return cloudflow.MapRunRequest{FlowName: pr.r.PathValue("flow"),
		ExecutionName: pr.r.PathValue("execution"), MapRunName: pr.r.PathValue("maprun")}
}

// pace returns how many items end in a second or a minute, and how long the rest will take at that
// pace.
func pace(r *client.MapRun, n cloudflow.ItemCounts, now time.Time) (rate, left string) {
	if r.StoppedTime != "" {
		now = r.StoppedTime.Time()
	}
	took, ended := now.Sub(r.StartedTime.Time()), n.Succeed+n.Failed+n.Aborted
	if took <= 0 || ended == 0 {
		return "", ""
	}
	perSecond := float64(ended) / took.Seconds()
	rate = fmt.Sprintf("%.3g/s", perSecond)
	if perSecond < 1 {
		rate = fmt.Sprintf("%.3g/min", 60*perSecond)
	}
	if rest := n.Pending + n.Running; r.StoppedTime == "" && rest > 0 {
		left = roughly(time.Duration(float64(rest) / perSecond * float64(time.Second)))
	}
	return rate, left
}

// sharesOf draws the counts of a MapRun, with the tolerance of failures as a line that they come
// nearer to.
func (pr *pageRequest) sharesOf(p *mapRunPage) template.HTML {
	limit := -1.0
	if n := p.Run.ToleratedFailedCount; n > 0 && p.Items.Total > 0 {
		limit = float64(n) / float64(p.Items.Total)
	}
	if share := p.Run.ToleratedFailedPercentage / 100; share > 0 && (limit < 0 || share < limit) {
		limit = share
	}
	part := func(key, class string, n int) chart.Part {
		return chart.Part{Name: pr.page.T(key), Class: class, Value: int64(n)}
	}
	return template.HTML(chart.Shares(pr.page.T("items"), limit,
		part("items failed", "failed", p.Items.Failed), part("items aborted", "aborted",
			p.Items.Aborted), part("items succeeded", "succeeded", p.Items.Succeed),
		part("items running", "running", p.Items.Running),
		part("items pending", "pending", p.Items.Pending)))
}

// failedChildren returns the newest children that have failed, with their errors.
func (pr *pageRequest) failedChildren(names cloudflow.MapRunRequest) ([]failedChild, error) {
	var failed []failedChild
	for _, status := range []string{"Failed", "TimedOut"} {
		limit, brief := int64(failedFirstMax), true
		got, err := pr.api.ListExecutions(pr.ctx, cloudflow.ListExecutionsRequest{
			FlowName: names.FlowName, MapRunName: names.MapRunName, Status: status, Limit: &limit,
			MetadataOnly: &brief})
		if err != nil {
			return nil, err
		}
		for _, x := range got.Executions {
			failed = append(failed, failedChild{Execution: x,
				Item: strings.TrimPrefix(x.Name, names.MapRunName+"-")})
		}
	}
	failed = failed[:min(len(failed), failedFirstMax)]
	err := pr.inParallel(len(failed), func(i int) error {
		last, err := pr.lastEvents(pr.ctx, failed[i].FlowName, failed[i].Name, 1)
		if err != nil {
			failed[i].Unavailable = err.Error()
		} else if len(last) > 0 {
			if e := history.ErrorOf(&last[0]); e != nil {
				failed[i].Error, failed[i].Cause = e.Name, e.Cause
			}
		}
		return nil
	})
	return failed, err
}

// countErrors counts failed children by their errors, the most frequent first.
func countErrors(failed []failedChild) (counts []errorCount) {
	for _, f := range failed {
		if f.Error == "" {
			continue
		}
		at := slices.IndexFunc(counts, func(c errorCount) bool { return c.Error == f.Error })
		if at < 0 {
			counts = append(counts, errorCount{f.Error, 1})
			continue
		}
		counts[at].Count++
	}
	slices.SortStableFunc(counts, func(a, b errorCount) int { return cmp.Compare(b.Count, a.Count) })
	return counts
}

// children reads a page of the children.
func (pr *pageRequest) children(p *mapRunPage) error {
	limit, brief := int64(pageSize), true
	got, err := pr.api.ListExecutions(pr.ctx, cloudflow.ListExecutionsRequest{FlowName: p.Flow,
		MapRunName: p.Run.MapRunName, Status: p.Status, Limit: &limit, MetadataOnly: &brief,
		NextToken: pr.r.URL.Query().Get("from")})
	if err != nil {
		return err
	}
	p.Children = got.Executions
	if got.NextToken != "" {
		p.Next = mapRunPath(p.Flow, p.Execution, p.Run.MapRunName) + "?" + url.Values{
			"status": {p.Status}, "from": {got.NextToken}}.Encode()
	}
	return nil
}

// changeMapRun changes those settings of a MapRun that the form has.
func (pr *pageRequest) changeMapRun() error {
	names := pr.mapRunNames()
	q := cloudflow.UpdateMapRunRequest{FlowName: names.FlowName, ExecutionName: names.ExecutionName,
		MapRunName: names.MapRunName}
	var err error
	whole := func(field string) *int64 {
		text := pr.r.PostFormValue(field)
		if text == "" {
			return nil
		}
		n, bad := strconv.ParseInt(text, 10, 64)
		err = errors.Join(err, bad)
		return &n
	}
	q.Concurrency, q.ToleratedFailedCount = whole("concurrency"), whole("count")
	if text := pr.r.PostFormValue("percentage"); text != "" {
		p, bad := strconv.ParseFloat(text, 64)
		err = errors.Join(err, bad)
		q.ToleratedFailedPercentage = &p
	}
	if err != nil {
		return pr.showMapRun(pr.page.T("numbers only"))
	}
	if _, err = pr.api.UpdateMapRun(pr.ctx, q); faultOf(err) != "" {
		return pr.showMapRun(faultOf(err))
	} else if err != nil {
		return err
	}
	return pr.to(mapRunPath(names.FlowName, names.ExecutionName, names.MapRunName))
}
