package console

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// executionsPage is a page of the executions of a flow, or the newest ones of several.
type executionsPage struct {
	executionsFilter
	Flows      []client.Flow // for the choice
	More       bool          // there are flows that the choice lacks
	Executions []client.Execution
	Next       string // the address of the next page; "" on the last
	Looked     int    // how many flows were looked at, if there are others or no flow is chosen
	Done       []doneTo
}

// executionsFilter is what the reader filters by. The address of the page holds it.
type executionsFilter struct {
	Flow           string // "" is every flow
	Status, Prefix string
	Since, Until   string // UTC, as a form writes it: 2026-12-01T15:04
	Qualifier      string // version or alias
	State, Error   string // where executions failed first, and how
	Group          string // of failures that are alike
	Source         string // what has started them
	Key, Value     string // a search key, and the beginning of its value
}

// Filtered reports whether the list is filtered beside the choice of a flow.
func (f executionsFilter) Filtered() bool {
	return f != executionsFilter{Flow: f.Flow}
}

// Narrow reports whether a filter is set that the page shows only when asked.
func (f executionsFilter) Narrow() bool {
	return f.State+f.Error+f.Group+f.Source+f.Key+f.Value != ""
}

// query returns the filter as an address holds it.
func (f executionsFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"flow": f.Flow, "status": f.Status,
		"prefix": f.Prefix, "since": f.Since, "until": f.Until, "qualifier": f.Qualifier,
		"state": f.State, "error": f.Error, "group": f.Group, "source": f.Source, "key": f.Key,
		"value": f.Value} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// filterOf reads the filter of an address.
func filterOf(q url.Values) executionsFilter {
	return executionsFilter{Flow: q.Get("flow"), Status: q.Get("status"), Prefix: q.Get("prefix"),
		Since: q.Get("since"), Until: q.Get("until"), Qualifier: q.Get("qualifier"),
		State: q.Get("state"), Error: q.Get("error"), Group: q.Get("group"),
		Source: q.Get("source"), Key: q.Get("key"), Value: q.Get("value")}
}

// Query returns the filter as an address holds it.
func (f executionsFilter) Query() string { return f.query().Encode() }

// request returns the request for executions of a flow that match.
func (f executionsFilter) request(flowName string, limit int64) cloudflow.ListExecutionsRequest {
	brief := true
	return cloudflow.ListExecutionsRequest{FlowName: flowName, Status: f.Status,
		ExecutionNamePrefix: f.Prefix, StartedTimeBegin: instant(f.Since),
		StartedTimeEnd: instant(f.Until), Qualifier: f.Qualifier, StateName: f.State,
		ErrorName: f.Error, GroupKey: f.Group, Source: f.Source, SearchKey: f.Key,
		SearchValuePrefix: f.Value, Limit: &limit, MetadataOnly: &brief}
}

// instant returns a time of a form as the API reads it.
func instant(text string) string {
	if len(text) == len("2006-01-02T15:04") {
		text += ":00"
	}
	if text != "" && !strings.HasSuffix(text, "Z") {
		text += "Z"
	}
	return text
}

// Statuses are those that the list can be filtered by.
func (executionsPage) Statuses() []string {
	return []string{"Running", "Succeeded", "Failed", "TimedOut", "Stopped"}
}

// flowChoiceMax is how many flows the choice of the list has.
const flowChoiceMax = 1000

func (pr *pageRequest) executions() error { return pr.showExecutions(pr.r.URL.Query(), nil) }

// showExecutions shows a list, and what has been done to executions of it.
func (pr *pageRequest) showExecutions(q url.Values, done []doneTo) error {
	p := &executionsPage{executionsFilter: filterOf(q), Done: done}
	var err error
	if p.Flows, p.More, err = pr.firstFlows(flowChoiceMax); err != nil {
		return err
	}
	err = pr.executionsOf(p, q.Get("from"))
	if p.Flow == "" && lacksAllFlows(err) {
		err = pr.newestOfAll(p)
	}
	if err != nil {
		return err
	}
	return pr.ok("executions", "", p)
}

// allFlows is the FlowName with which Millrace lists the executions of all flows.
const allFlows = "*"

// lacksAllFlows reports whether an endpoint, or the reader's key, can list those of one flow alone.
func lacksAllFlows(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.InvalidArgument || code == fault.AccessDenied ||
		code == fault.FlowNotExists
}

// executionsOf reads a page of the executions of one flow, or of all.
func (pr *pageRequest) executionsOf(p *executionsPage, from string) error {
	q := p.request(cmp.Or(p.Flow, allFlows), pageSize)
	q.NextToken = from
	got, err := pr.api.ListExecutions(pr.ctx, q)
	if err != nil {
		return err
	}
	p.Executions = got.Executions
	if got.NextToken != "" {
		next := p.query()
		next.Set("from", got.NextToken)
		p.Next = "executions?" + next.Encode()
	}
	return nil
}

// newestOfAll reads the newest executions of the first flows.
func (pr *pageRequest) newestOfAll(p *executionsPage) error {
	flows := p.Flows[:min(len(p.Flows), homeFlowsMax)]
	p.Looked = len(flows)
	lists := make([][]client.Execution, len(flows))
	err := pr.inParallel(len(flows), func(i int) error {
		got, err := pr.api.ListExecutions(pr.ctx, p.request(flows[i].Name, homeExecutions))
		switch {
		case fault.CodeOf(err) == fault.AccessDenied: // the reader may list others
			return nil
		case err == nil:
			lists[i] = got.Executions
		}
		return err
	})
	p.Executions = slices.Concat(lists...)
	slices.SortStableFunc(p.Executions, func(a, b client.Execution) int {
		return cmp.Compare(b.StartedTime, a.StartedTime)
	})
	p.Executions = p.Executions[:min(len(p.Executions), pageSize)]
	return err
}

// after leads back to the execution once something has been done with it, or shows why it could
// not be done.
func (pr *pageRequest) after(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code != fault.ExecutionNotExists && f.Code != fault.FlowNotExists {
		return pr.showExecution(f.Message)
	} else if err != nil {
		return err
	}
	return pr.to(pathOf(pr.r.PathValue("flow"), pr.r.PathValue("execution")))
}

func (pr *pageRequest) stop() error {
	q := cloudflow.StopExecutionRequest{FlowName: pr.r.PathValue("flow"),
		ExecutionName: pr.r.PathValue("execution")}
	if cause := pr.r.PostFormValue("cause"); cause != "" {
		name := "Stopped"
		q.Error, q.Cause = &name, &cause
	}
	_, err := pr.api.StopExecution(pr.ctx, q)
	return pr.after(err)
}
