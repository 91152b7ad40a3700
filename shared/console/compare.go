package console

import (
	"cmp"
	"slices"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// comparePage shows an execution beside another one of its flow.
type comparePage struct {
	Flow     string
	One, Two *comparedRun // Two is the other one; nil if there is none
	States   []comparedState
	Parted   string // the first state in which they differ; "" if there is none
	Same     bool   // the definitions are equal
}

// comparedRun is one of two executions that are compared.
type comparedRun struct {
	*client.Execution
	Failure *history.Failure

	read   int64 // events read, if there are more; else 0
	states map[string]*stateTotals
	order  []string // the names of states, as they were entered first
}

// Partial returns how many events were counted, if there are more; else 0.
func (r *comparedRun) Partial() int64 { return r.read }

// stateTotals is what a run did in all entries of one state.
type stateTotals struct {
	Entries, Failed, Attempts int
	Took                      time.Duration
}

// comparedState is a state in both runs; nil where it was not entered.
type comparedState struct {
	Name     string
	One, Two *stateTotals
	Differs  bool
}

// Both returns what both runs did in the state.
func (s comparedState) Both() []*stateTotals { return []*stateTotals{s.One, s.Two} }

// Both returns both runs.
func (p *comparePage) Both() []*comparedRun { return []*comparedRun{p.One, p.Two} }

// Duration returns how long all entries took together.
func (t *stateTotals) Duration() string { return roughly(t.Took) }

// compare shows the execution of the address beside the one that the reader names, or the newest of
// the flow that has succeeded.
func (pr *pageRequest) compare() error {
	one, err := pr.describe()
	if err != nil {
		return err
	}
	p := &comparePage{Flow: one.FlowName}
	if p.One, err = pr.compared(one); err != nil {
		return err
	}
	other := pr.r.URL.Query().Get("with")
	if other == "" {
		if other, err = pr.lastGood(one); err != nil {
			return err
		}
	}
	if other == "" {
		return pr.ok("compare", one.Name, p)
	}
	two, err := pr.api.DescribeExecution(pr.ctx, cloudflow.DescribeExecutionRequest{
		FlowName: one.FlowName, ExecutionName: other})
	if err != nil {
		return err
	}
	if p.Two, err = pr.compared(two); err != nil {
		return err
	}
	p.Same = one.FlowDefinition == two.FlowDefinition
	p.compareStates()
	return pr.ok("compare", one.Name, p)
}

// lastGood returns the newest execution of a flow that has succeeded, but for one; "" if there is
// none.
func (pr *pageRequest) lastGood(x *client.Execution) (string, error) {
	limit, brief := int64(2), true
	got, err := pr.api.ListExecutions(pr.ctx, cloudflow.ListExecutionsRequest{FlowName: x.FlowName,
		Status: flow.Succeeded.String(), MapRunName: x.MapRunName, Limit: &limit,
		MetadataOnly: &brief})
	if err != nil {
		return "", err
	}
	for _, good := range got.Executions {
		if good.Name != x.Name {
			return good.Name, nil
		}
	}
	return "", nil
}

// compared reads what an execution did.
func (pr *pageRequest) compared(x *client.Execution) (*comparedRun, error) {
	r := &comparedRun{Execution: x, states: map[string]*stateTotals{}}
	return r, pr.known(x, func(k *knownRun) {
		if !k.whole {
			r.read = k.run.Events
		}
		r.Failure = k.run.FirstFailure()
		for _, s := range k.run.Spans.Entries {
			total := r.states[s.At.State]
			if total == nil {
				total = &stateTotals{}
				r.states[s.At.State] = total
				r.order = append(r.order, s.At.State)
			}
			total.Entries++
			total.Attempts += len(s.Attempts)
			if s.Outcome == history.Failed {
				total.Failed++
			}
			if !s.To.IsZero() {
				total.Took += s.To.Sub(s.From)
			}
		}
	})
}

// compareStates puts the states of both runs side by side, as the first run entered them, then those
// that only the other one did.
func (p *comparePage) compareStates() {
	names := slices.Concat(p.One.order, p.Two.order)
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		s := comparedState{Name: name, One: p.One.states[name], Two: p.Two.states[name]}
		s.Differs = s.One == nil || s.Two == nil || s.One.Entries != s.Two.Entries ||
			s.One.Failed != s.Two.Failed || s.One.Attempts != s.Two.Attempts
		if s.Differs {
			p.Parted = cmp.Or(p.Parted, name)
		}
		p.States = append(p.States, s)
	}
}
