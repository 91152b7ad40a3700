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
	"millrace/shared/store"
	"millrace/tests/support/flowgen"
)

// secondAccount is a second account. Its flows and executions have the same names as those of the
// first account. An account sees, starts, stops and ends only its own (docs/protocol.md#keys). Each
// check of a response looks up the run in the caller's account, so a response about the other
// account's run is a violation.
const secondAccount = "6543210987654321"

// account returns the account that a flow belongs to.
func (f *definition) account() string {
	if f.of == "" {
		return account
	}
	return f.of
}

// key is the clients' key for a flow of an account; for the first account it is the flow's name.
func key(of, name string) string {
	if of == account {
		return name
	}
	return of + "/" + name
}

func (f *definition) key() string { return key(f.account(), f.name) }

func (x *launch) caller() cloudflow.Caller { return cloudflow.Caller{Account: x.flow.account()} }

// now returns the run that currently has the name of the execution; nil if there is none.
func (x *launch) now(w *World) *run { return w.runIn(x.flow.account(), x.flow.name, x.name) }

// runIn returns the run that currently has a name in an account; nil if there is none.
func (w *World) runIn(of, flowName, name string) *run {
	return w.runs[store.Partition(w.clients.ids[key(of, flowName)], name)]
}

// runOf is runIn for the first account.
func (w *World) runOf(flowName, name string) *run { return w.runIn(account, flowName, name) }

// startSecondAccount starts the second account's clients, for flows and executions with the same
// names as those of the first account.
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
		g := flowgen.Generate(n)
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

// probeIsolation requests, as the second account, resources of the first one. They must not be
// found.
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
		told, err := request(c.w, nil, who,
			func(ctx context.Context, s *cloudflow.Service) (any, error) {
				return probeExecution(ctx, s, n, f, name)
			})
		code := codeOf(err)
		if retried(code, err) {
			continue
		}
		c.w.checked("other account")
		if code != fault.FlowNotExists && code != fault.ExecutionNotExists {
			c.w.violate("other account",
				"%s: another account has asked for %s of %s, which only the first has, and is "+
					"told %+v %s", who, name, f, told, code)
		}
	}
}

// probeExecution makes one of the requests for an execution, as the second account.
func probeExecution(ctx context.Context, s *cloudflow.Service, which int, f,
	name string) (any, error) {
	by := cloudflow.Caller{Account: secondAccount}
	switch which {
	case 0:
		return s.DescribeExecution(ctx, by, cloudflow.DescribeExecutionRequest{FlowName: f,
			ExecutionName: name})
	case 1:
		return s.GetExecutionHistory(ctx, by, cloudflow.GetExecutionHistoryRequest{FlowName: f,
			ExecutionName: name})
	case 2:
		return s.ListExecutions(ctx, by, cloudflow.ListExecutionsRequest{FlowName: "owned"})
	}
	cause := "by a neighbour"
	return s.StopExecution(ctx, by, cloudflow.StopExecutionRequest{FlowName: f, ExecutionName: name,
		Cause: &cause})
}

// probeFlowIsolation lists the flows of the second account.
func (c *clients) probeFlowIsolation(who string, flows []definition) {
	page, err := request(c.w, nil, who,
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.FlowPage, error) {
			return s.ListFlows(ctx, cloudflow.Caller{Account: secondAccount},
				cloudflow.ListFlowsRequest{})
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
				w.violate("other account",
					"%s: the list of another account has flow %s %s, which is none of its own", who,
					f.Name, f.ID)
			}
		}
	})
}

// judgeAccount checks that an execution belongs to the account of its flow, and to the account of
// the task that started it.
func (w *World) judgeAccount(r *run) {
	x := r.x
	w.checked("account")
	if of := w.flows.accountNames[x.FlowID]; of != x.Account+"#"+x.Flow {
		w.violate("account", "%s is of flow %s of account %s, its flow is %s", x.Partition(),
			x.Flow, x.Account, of)
	}
	if by := w.parentOf(r); by != nil && by.x.Account != x.Account {
		w.violate("account", "%s of account %s was started by %s of account %s", x.Partition(),
			x.Account, by.x.Partition(), by.x.Account)
	}
}

// parentOf returns the run whose task started another run; nil if no task did.
func (w *World) parentOf(r *run) *run {
	if key, ok := strings.CutPrefix(r.x.Origin, "task#"); ok && len(key) == 32 {
		id, _ := strconv.ParseUint(key[:16], 16, 64)
		return w.allRuns[id]
	}
	return nil
}
