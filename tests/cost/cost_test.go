package cost_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc"
	"millrace/tests/cost"
	"millrace/tests/lambda"
)

var markdown = flag.Bool("markdown", false, "TestCost prints tables in Markdown")

func TestMain(m *testing.M) {
	code := m.Run()
	lambda.End() // of both homes' binaries, too
	os.Exit(code)
}

// target is a deployment behind meters. Its executions go by a clock that the test moves.
type target interface {
	prices() cost.Cloud
	client() *rpc.Client // through the front, metered
	work() *work         // what tasks call

	// idle tells whether nothing goes on: no invocation, and no message to be delivered now. Its looks are not metered.
	idle() bool
	// pass lets a time go by, at the end of which the sweeper comes. The home may be busy then.
	pass(t *testing.T, by time.Duration)
	now() time.Time

	// reset begins to meter anew; used is what has been used since: the bill, without flow and states. The home is idle
	// at both. That the sweeper looks for what is due is not in it, for that is the cost of an idle deployment; what it
	// does for an execution is.
	reset()
	used(t *testing.T) cost.Bill
}

// targets are all of them, with the bounds of flows there.
var targets = []struct {
	name   string
	open   func(t *testing.T) target
	bounds func(m measured) bounds
}{
	{"aws", openAWS, func(m measured) bounds { return m.aws }},
	{"alibaba", openAlibaba, func(m measured) bounds { return m.alibaba }},
}

// TestCost prints what executions cost, taken from the compiled functions, and holds them to their bounds.
func TestCost(t *testing.T) {
	results := make([]cost.Result, len(targets))
	t.Run("homes", func(t *testing.T) {
		for i, h := range targets {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel() // make cost has one after the other, for what takes time is billed
				results[i] = bench{h.open(t)}.all(t, h.bounds)
			})
		}
	})
	if t.Failed() || !testing.Verbose() {
		return
	}
	var text bytes.Buffer
	var whole []cost.Result
	for _, r := range results {
		if len(r.Bills) == 0 {
			continue // not asked for
		}
		whole = append(whole, r)
		if err := cost.Write(&text, r.Cloud, r.Bills, *markdown); err != nil {
			t.Fatal(err)
		}
	}
	if err := cost.Compare(&text, whole, *markdown); err != nil {
		t.Fatal(err)
	}
	io.Copy(os.Stdout, &text)
}

// bench takes the prices of one home.
type bench struct{ target }

func (b bench) all(t *testing.T, most func(measured) bounds) cost.Result {
	r := cost.Result{Cloud: b.prices()}
	for i, m := range flows {
		bill := b.run(t, fmt.Sprint("f", i), m)
		r.Bills = append(r.Bills, bill)
		if o := most(m); bill.Used[0] > o.writes || bill.Used[2] > o.queue {
			t.Errorf("%s: %v write units and %v requests of the queue, want at most %v", m.name, bill.Used[0], bill.Used[2], o)
		}
	}
	r.Bills = append(r.Bills, b.callback(t), b.hour(t))
	return r
}

// run takes the price of one execution of a flow that has run once before: functions are warm and know the definition.
func (b bench) run(t *testing.T, flow string, m measured) cost.Bill {
	t.Helper()
	b.define(t, flow, "Type: StateMachine\nSpecVersion: v1\nName: "+flow+"\nStartAt: A\nStates:\n"+m.states)
	b.start(t, flow, "warm", `{"n":0,"items":[{"n":1}]}`)
	b.quiet(t)
	return b.bill(t, m.name, m.executed, flow, func() {
		b.start(t, flow, "one", m.input)
		b.quiet(t)
	})
}

// bill takes what is used while f runs, after which the execution "one" has succeeded and nothing of it goes on.
func (b bench) bill(t *testing.T, name string, states int, flow string, f func()) cost.Bill {
	t.Helper()
	b.reset()
	f()
	bill := b.used(t)
	bill.Flow, bill.States = name, states
	x, err := b.client().DescribeExecution(t.Context(), cloudflow.DescribeExecutionRequest{FlowName: flow, ExecutionName: "one"})
	if err != nil || x.Status != "Succeeded" {
		t.Fatalf("%s: %+v %v", name, x, err)
	}
	return bill
}

func (b bench) define(t *testing.T, name, definition string) {
	t.Helper()
	if _, err := b.client().CreateFlow(t.Context(), cloudflow.CreateFlowRequest{Name: name, Definition: definition, Type: "FDL"}); err != nil {
		t.Fatal(err)
	}
}

func (b bench) start(t *testing.T, flow, name, input string) {
	t.Helper()
	if _, err := b.client().StartExecution(t.Context(), cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name, Input: input}); err != nil {
		t.Fatal(err)
	}
}

// quietLooks is in how many looks in a row nothing must go on until that is believed.
const quietLooks = 5

// quiet waits until nothing goes on.
func (b bench) quiet(t *testing.T) {
	t.Helper()
	late := time.Now().Add(5 * time.Minute)
	for looks := 0; looks < quietLooks; time.Sleep(10 * time.Millisecond) {
		if looks++; !b.idle() {
			looks = 0
		}
		if time.Now().After(late) {
			t.Fatal("the deployment does not come to rest")
		}
	}
}

// callback is a task that waits for a report, which comes once nothing of the execution goes on any more.
func (b bench) callback(t *testing.T) cost.Bill {
	t.Helper()
	b.define(t, "callback", "Type: StateMachine\nSpecVersion: v1\nName: callback\nStartAt: A\nStates:\n"+callback)
	once := func(name string) {
		b.start(t, "callback", name, "{}")
		token := <-b.work().tokens
		b.quiet(t)
		if _, err := b.client().ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: `{"answer":42}`}); err != nil {
			t.Fatal(err)
		}
		b.quiet(t)
	}
	once("warm")
	return b.bill(t, "a callback", 1, "callback", func() { once("one") })
}

// nonceTime is when the sweeper removes the nonces of earlier requests where the store does not: they are no part of any
// execution.
const nonceTime = 35 * time.Minute

// hour is a wait of an hour, minute after minute of which the sweeper comes.
func (b bench) hour(t *testing.T) cost.Bill {
	t.Helper()
	b.define(t, "wait", hour)
	b.pass(t, nonceTime)
	b.quiet(t)
	return b.bill(t, "a wait of an hour", 1, "wait", func() {
		b.start(t, "wait", "one", "{}")
		b.quiet(t)
		for end := b.now().Add(time.Hour + time.Minute); b.now().Before(end); {
			b.pass(t, time.Minute)
			b.quiet(t)
		}
	})
}
