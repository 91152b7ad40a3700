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

// How much the first page reads: so many flows, the newest executions of each, and the histories of
// so many failed ones. Looking must not cost more on a large store.
const (
	homeFlowsMax    = 50
	homeExecutions  = 20
	homeFailuresMax = 12
	homeConcurrency = 4
	homeTime        = 2 * time.Second // for one history
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
}

func (pr *pageRequest) home() error {
	flows, more, err := pr.firstFlows(homeFlowsMax)
	if err != nil {
		return err
	}
	lists := make([][]client.Execution, len(flows))
	err = pr.inParallel(len(flows), func(i int) error {
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
	p := homePage{Flows: len(flows), More: more, Health: pr.health()}
	for _, x := range slices.Concat(lists...) {
		if x.Status == flow.Running.String() {
			p.Running = append(p.Running, x)
		}
	}
	slices.SortStableFunc(p.Running, oldestFirst)
	if p.Failures, err = pr.groupFailures(lists); err != nil {
		return err
	}
	return pr.ok("home", "", p)
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
