package console

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// How much the first page reads. Looking must not cost more on a large store. What is for flows and
// their executions is read from an endpoint that cannot list those of all flows.
const (
	homeFlowsMax    = 50
	homeExecutions  = 20
	homeFailuresMax = 12
	homeConcurrency = 4
	homeTime        = 2 * time.Second // for one history

	homeSince  = 24 * time.Hour
	homeListed = 100 // executions of each status: one page of the list
)

// homePage is what the first page shows.
type homePage struct {
	Failures []failureGroup
	Running  []client.Execution
	Flows    int
	More     bool // there are flows that the page did not look at
	Health   *healthShown
}

// failureGroup is the executions of a flow that failed lately with one error in one state.
type failureGroup struct {
	Newest      client.Execution
	Count       int
	State       string
	Error       *flow.Error
	Unavailable string // why the cause is not known
	Key         string // of the group in the list; "" if the endpoint has none
}

func (pr *pageRequest) home() error {
	flows, more, err := pr.firstFlows(homeFlowsMax)
	if err != nil {
		return err
	}
	p := homePage{Flows: len(flows), Health: pr.health()}
	failed, err := pr.lately(flow.Failed, flow.TimedOut)
	if lacksAllFlows(err) {
		p.More = more
		err = pr.homeByFlow(&p, flows)
	} else if err == nil {
		err = pr.homeOfAll(&p, failed)
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(p.Running, oldestFirst)
	return pr.ok("home", "", p)
}

// lately returns the executions of all flows with one of some statuses that were started lately, the
// newest of each.
func (pr *pageRequest) lately(statuses ...flow.Status) (all []client.Execution, err error) {
	since := pr.console.Now().Add(-homeSince).UTC().Format(time.RFC3339)
	lists := make([][]client.Execution, len(statuses))
	err = pr.inParallel(len(statuses), func(i int) error {
		limit, brief := int64(homeListed), true
		got, err := pr.api.ListExecutions(pr.ctx, cloudflow.ListExecutionsRequest{
			FlowName: allFlows, Status: statuses[i].String(), StartedTimeBegin: since,
			Limit: &limit, MetadataOnly: &brief})
		if err == nil {
			lists[i] = got.Executions
		}
		return err
	})
	return slices.Concat(lists...), err
}

// homeOfAll fills the page from the lists of all flows.
func (pr *pageRequest) homeOfAll(p *homePage, failed []client.Execution) (err error) {
	if p.Running, err = pr.lately(flow.Running); err != nil {
		return err
	}
	slices.SortStableFunc(failed, func(a, b client.Execution) int { return oldestFirst(b, a) })
	p.Failures = groupListed(failed)
	return pr.inParallel(len(p.Failures), func(i int) error {
		g := &p.Failures[i]
		ctx, cancel := context.WithTimeout(pr.ctx, homeTime)
		defer cancel()
		first, err := pr.failureFromEnd(ctx, g.Newest.FlowName, g.Newest.Name)
		if err != nil {
			g.Unavailable = err.Error()
		} else if first != nil {
			g.State, g.Error = first.State, first.Error
		}
		return nil
	})
}

// groupListed groups failed executions as the list does, and returns the groups with the newest
// failures.
func groupListed(failed []client.Execution) (groups []failureGroup) {
	for _, x := range failed {
		at := slices.IndexFunc(groups, func(g failureGroup) bool {
			return g.Newest.FlowName == x.FlowName && g.Key == x.GroupKey
		})
		switch {
		case at >= 0:
			groups[at].Count++
		case len(groups) < homeFailuresMax:
			groups = append(groups, failureGroup{Newest: x, Count: 1, Key: x.GroupKey})
		}
	}
	return groups
}

// homeByFlow fills the page from the lists of some flows, for an endpoint that has no other.
func (pr *pageRequest) homeByFlow(p *homePage, flows []client.Flow) error {
	lists := make([][]client.Execution, len(flows))
	err := pr.inParallel(len(flows), func(i int) error {
		limit, brief := int64(homeExecutions), true
		got, err := pr.api.ListExecutions(pr.ctx, cloudflow.ListExecutionsRequest{
			FlowName: flows[i].Name, Limit: &limit, MetadataOnly: &brief})
		if err == nil {
			lists[i] = got.Executions
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, x := range slices.Concat(lists...) {
		if x.Status == flow.Running.String() {
			p.Running = append(p.Running, x)
		}
	}
	p.Failures, err = pr.groupFailures(lists)
	return err
}

func oldestFirst(a, b client.Execution) int {
	return strings.Compare(string(a.StartedTime), string(b.StartedTime))
}

// groupFailures puts the failed executions of each flow together by state and error, the newest
// first. It reads the histories of homeFailuresMax executions at most.
func (pr *pageRequest) groupFailures(lists [][]client.Execution) ([]failureGroup, error) {
	var failed []client.Execution
	for _, x := range slices.Concat(lists...) {
		if x.Status == flow.Failed.String() || x.Status == flow.TimedOut.String() {
			failed = append(failed, x)
		}
	}
	slices.SortStableFunc(failed, func(a, b client.Execution) int { return oldestFirst(b, a) })
	read := make([]failureGroup, min(len(failed), homeFailuresMax))
	err := pr.inParallel(len(read), func(i int) error {
		read[i] = failureGroup{Newest: failed[i], Count: 1}
		ctx, cancel := context.WithTimeout(pr.ctx, homeTime)
		defer cancel()
		first, err := pr.failureFromEnd(ctx, failed[i].FlowName, failed[i].Name)
		if err != nil {
			read[i].Unavailable = err.Error()
		} else if first != nil {
			read[i].State, read[i].Error = first.State, first.Error
		}
		return nil
	})
	var groups []failureGroup
	for _, one := range read {
		at := slices.IndexFunc(groups, one.like)
		if at < 0 {
			groups = append(groups, one)
			continue
		}
		groups[at].Count++
	}
	return groups, err
}

// like reports whether two executions failed in the same way.
func (g failureGroup) like(o failureGroup) bool {
	return g.Newest.FlowName == o.Newest.FlowName && g.State == o.State &&
		g.Error != nil && o.Error != nil && g.Error.Name == o.Error.Name
}

// firstFlows returns the first n flows. more: there are others.
func (pr *pageRequest) firstFlows(n int64) (flows []client.Flow, more bool, err error) {
	got, err := pr.api.ListFlows(pr.ctx, cloudflow.ListFlowsRequest{Limit: &n})
	if err != nil {
		return nil, false, err
	}
	return got.Flows, got.NextToken != "", nil
}

// inParallel calls f for 0 to n-1, a few at a time, and returns the first error in their order.
func (pr *pageRequest) inParallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	places := make(chan struct{}, homeConcurrency)
	for i := range n {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			errs[i] = f(i)
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
