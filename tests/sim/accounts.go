package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flowtest"
	"millrace/shared/store"
)

// secondAccount is a second account. Its flows and executions have the names of those of the first one,
// and are others. What one account sees, starts, stops or ends is its own (design.md 5): the checks
// of every answer look for the run of the caller's account, so an answer about the other's is wrong.
const secondAccount = "6543210987654321"

// account is the account that a flow belongs to.
func (f *definition) account() string {
	if f.of == "" {
		return account
	}
	return f.of
}

// key is what a flow of an account is known by among clients: its name, for the first account.
func key(of, name string) string {
	if of == account {
		return name
	}
	return of + "/" + name
}

func (f *definition) key() string { return key(f.account(), f.name) }

func (x *launch) caller() cloudflow.Caller { return cloudflow.Caller{Account: x.flow.account()} }

// now is the run that has the name of the execution now; nil without.
func (x *launch) now(w *World) *run { return w.runIn(x.flow.account(), x.flow.name, x.name) }

// runIn gives the run that has a name in an account now; nil without.
func (w *World) runIn(of, flowName, name string) *run {
	return w.runs[store.Partition(w.clients.ids[key(of, flowName)], name)]
}

// runOf is runIn of the first account.
func (w *World) runOf(flowName, name string) *run { return w.runIn(account, flowName, name) }

// startSecondAccount begins the second account: flows of the same names as those of the first one, and
// executions of the same names.
func (c *clients) startSecondAccount() {
	flows := slices.Clone(c.flows)
	for i := range flows {
		f := &flows[i]
		f.of = secondAccount
		n := c.w.number("flow of a neighbour " + f.name)
		if f.name == "child" {
			f.text = children[n%uint64(len(children))]
			continue
		}
		g := flowtest.Generate(n)
		f.text = strings.Replace(g.Definition, `"Name": "generated"`, `"Name": "`+f.name+`"`, 1)
		f.input = string(encode(g.Input))
	}
	c.spawn(func() {
		for _, f := range flows {
			if !c.create(f) {
				return
			}
		}
		for i := range 1 + c.w.number("executions of a neighbour")%2 {
			x := &launch{flow: flows[int(i)%max(len(flows)-1, 1)], name: fmt.Sprintf("x%d", i)}
			c.note("the neighbour starts "+x.name, func() { c.runs = append(c.runs, x) })
			c.launch(x)
		}
		c.probeIsolation(flows)
	})
}

// probeIsolation asks, as the second account, for what only the first one has: to whoever asks it is not there.
func (c *clients) probeIsolation(flows []definition) {
	r := c.rand("pry")
	for i := range 3 + r.IntN(4) {
		if !c.sleep(time.Duration(r.IntN(40_000)) * time.Millisecond) {
			return
		}
		who, f, name := fmt.Sprintf("pry %d", i), "owned", fmt.Sprintf("o%d", 2+r.IntN(4))
		if r.IntN(2) == 0 {
			f, name = flows[r.IntN(len(flows))].name, fmt.Sprintf("x%d", 2+r.IntN(2))
		}
		if r.IntN(4) == 0 {
			c.probeFlowIsolation(who, flows)
			continue
		}
		n := r.IntN(4)
		told, err := request(c.w, nil, who, func(ctx context.Context, s *cloudflow.Service) (any, error) {
			return probeExecution(ctx, s, n, f, name)
		})
		code := codeOf(err)
		if retried(code, err) {
			continue
		}
		c.w.checked("other account")
		if code != fault.FlowNotExists && code != fault.ExecutionNotExists {
			c.w.violate("other account", "%s: another account has asked for %s of %s, which only the first has, and is told %+v %s", who, name, f, told, code)
		}
	}
}

// probeExecution makes one of the requests about an execution, as the second account.
func probeExecution(ctx context.Context, s *cloudflow.Service, which int, f, name string) (any, error) {
	by := cloudflow.Caller{Account: secondAccount}
	switch which {
	case 0:
		return s.DescribeExecution(ctx, by, cloudflow.DescribeExecutionRequest{FlowName: f, ExecutionName: name})
	case 1:
		return s.GetExecutionHistory(ctx, by, cloudflow.GetExecutionHistoryRequest{FlowName: f, ExecutionName: name})
	case 2:
		return s.ListExecutions(ctx, by, cloudflow.ListExecutionsRequest{FlowName: "owned"})
	}
	cause := "by a neighbour"
	return s.StopExecution(ctx, by, cloudflow.StopExecutionRequest{FlowName: f, ExecutionName: name, Cause: &cause})
}

// probeFlowIsolation lists the flows of the second account.
func (c *clients) probeFlowIsolation(who string, flows []definition) {
	page, err := request(c.w, nil, who, func(ctx context.Context, s *cloudflow.Service) (*cloudflow.FlowPage, error) {
		return s.ListFlows(ctx, cloudflow.Caller{Account: secondAccount}, cloudflow.ListFlowsRequest{})
	})
	if err != nil {
		return
	}
	c.note(who+" is told", func() {
		w := c.w
		w.checked("other account")
		for i := range page.Flows {
			f := &page.Flows[i]
			if w.flows.accountNames[f.ID] != secondAccount+"#"+f.Name {
				w.violate("other account", "%s: the list of another account has flow %s %s, which is none of its own", who, f.Name, f.ID)
			}
		}
	})
}

// judgeAccount checks that an execution belongs to the account of its flow, and to that of the task
// that has started it.
func (w *World) judgeAccount(r *run) {
	x := r.x
	w.checked("account")
	if of := w.flows.accountNames[x.FlowID]; of != x.Account+"#"+x.Flow {
		w.violate("account", "%s is of flow %s of account %s, its flow is %s", x.Partition(), x.Flow, x.Account, of)
	}
	if by := w.parentOf(r); by != nil && by.x.Account != x.Account {
		w.violate("account", "%s of account %s was started by %s of account %s", x.Partition(), x.Account, by.x.Partition(), by.x.Account)
	}
}

// parentOf gives the run whose task has started another one; nil when none has.
func (w *World) parentOf(r *run) *run {
	if key, ok := strings.CutPrefix(r.x.Origin, "task#"); ok && len(key) == 32 {
		id, _ := strconv.ParseUint(key[:16], 16, 64)
		return w.allRuns[id]
	}
	return nil
}
