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
	"millrace/shared/rpc/client"
	"millrace/tests/clouds/cost"
	"millrace/tests/clouds/lambda"
)

var markdown = flag.Bool("markdown", false, "TestCost prints tables in Markdown")

func TestMain(m *testing.M) {
	code := m.Run()
	lambda.End() // of the binaries of both clouds
	os.Exit(code)
}

// target is a deployment with meters. The test moves the clock of its executions.
type target interface {
	prices() cost.Cloud
	client() *client.Client // through the front end, metered
	work() *work            // the tasks' work

	// idle reports whether there is no invocation, and no message to deliver now. Its checks are
	// not metered.
	idle() bool
	// pass lets time pass. At the end the sweeper runs. The deployment may be busy then.
	pass(t *testing.T, by time.Duration)
	now() time.Time

	// reset starts metering anew. used returns what has been used since: the bill without flow and
	// states. The deployment must be idle at both calls. The bill leaves out the sweeper's search
	// for due rows, because that is the cost of an idle deployment. It includes the sweeper's work
	// for an execution.
	reset()
	used(t *testing.T) cost.Bill
}

// targets lists the deployments, with the bounds of the flows there.
var targets = []struct {
	name   string
	open   func(t *testing.T) target
	bounds func(m measured) bounds
}{
	{"aws", openAWS, func(m measured) bounds { return m.aws }},
	{"alibaba", openAlibaba, func(m measured) bounds { return m.alibaba }},
}

// TestCost prints the cost of executions, measured with the compiled functions, and checks the
// bounds.
func TestCost(t *testing.T) {
	results := make([]cost.Result, len(targets))
	t.Run("clouds", func(t *testing.T) {
		for i, h := range targets {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel() // `make cost` runs them in sequence, because duration is billed
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
			continue // the command line does not ask for it
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

// bench measures prices in one cloud.
type bench struct{ target }

func (b bench) all(t *testing.T, boundsOf func(measured) bounds) cost.Result {
	r := cost.Result{Cloud: b.prices()}
	for i, m := range flows {
		bill := b.run(t, fmt.Sprint("f", i), m)
		r.Bills = append(r.Bills, bill)
		if o := boundsOf(m); bill.Used[0] > o.writes || bill.Used[2] > o.queue {
			t.Errorf("%s: %v write units and %v requests of the queue, want at most %v", m.name,
				bill.Used[0], bill.Used[2], o)
		}
	}
	r.Bills = append(r.Bills, b.callback(t), b.hour(t), b.schedule(t))
	return r
}

// run measures the price of one execution of a flow that has run once before: the functions are
// warm and have loaded the definition.
func (b bench) run(t *testing.T, flow string, m measured) cost.Bill {
	t.Helper()
	b.define(t, flow, "Type: StateMachine\nSpecVersion: v1\nName: "+flow+"\nStartAt: A\n"+
		"States:\n"+m.states)
	b.start(t, flow, "warm", `{"n":0,"items":[{"n":1}]}`)
	b.quiet(t)
	return b.bill(t, m.name, m.executed, flow, func() {
		b.start(t, flow, "one", m.input)
		b.quiet(t)
	})
}

// bill measures what is used while f runs. Afterwards the execution "one" must have succeeded, and
// no work for it may be left.
func (b bench) bill(t *testing.T, name string, states int, flow string, f func()) cost.Bill {
	t.Helper()
	b.reset()
	f()
	bill := b.used(t)
	bill.Flow, bill.States = name, states
	x, err := b.client().DescribeExecution(t.Context(),
		cloudflow.DescribeExecutionRequest{FlowName: flow, ExecutionName: "one"})
	if err != nil || x.Status != "Succeeded" {
		t.Fatalf("%s: %+v %v", name, x, err)
	}
	return bill
}

func (b bench) define(t *testing.T, name, definition string) {
	t.Helper()
	if _, err := b.client().CreateFlow(t.Context(), cloudflow.CreateFlowRequest{Name: name,
		Definition: definition, Type: "FDL"}); err != nil {
		t.Fatal(err)
	}
}

func (b bench) start(t *testing.T, flow, name, input string) {
	t.Helper()
	if _, err := b.client().StartExecution(t.Context(),
		cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name,
			Input: input}); err != nil {
		t.Fatal(err)
	}
}

// quietLooks is the number of consecutive checks in which the deployment must be idle.
const quietLooks = 5

// quiet waits until the deployment is idle.
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

// callback measures a task that waits for a report. The report comes when the deployment is idle.
func (b bench) callback(t *testing.T) cost.Bill {
	t.Helper()
	b.define(t, "callback", "Type: StateMachine\nSpecVersion: v1\nName: callback\nStartAt: A\n"+
		"States:\n"+callback)
	once := func(name string) {
		b.start(t, "callback", name, "{}")
		token := <-b.work().tokens
		b.quiet(t)
		if _, err := b.client().ReportTaskSucceeded(t.Context(),
			cloudflow.ReportTaskSucceededRequest{TaskToken: token,
				Output: `{"answer":42}`}); err != nil {
			t.Fatal(err)
		}
		b.quiet(t)
	}
	once("warm")
	return b.bill(t, "a callback", 1, "callback", func() { once("one") })
}

// nonceTime is when the sweeper removes the nonces of earlier requests, if the store does not do
// so. They are not part of any execution.
const nonceTime = 35 * time.Minute

// hour measures a wait of an hour, in which the sweeper runs every minute.
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

// scheduleWrites is the maximum of write units for a planned time of a schedule and its execution:
// two writes of the schedule, of which one moves its wake time, and an execution of a Pass.
const scheduleWrites = 14

// schedule measures one planned time of a schedule that plans one an hour, with the execution of a
// Pass that it starts. The functions are warm from the planned time before.
func (b bench) schedule(t *testing.T) cost.Bill {
	t.Helper()
	b.define(t, "timed", "Type: StateMachine\nSpecVersion: v1\nName: timed\nStartAt: A\n"+
		"States:\n"+flows[0].states)
	if _, err := b.client().CreateSchedule(t.Context(), cloudflow.CreateScheduleRequest{
		FlowName: "timed", ScheduleName: "hourly", CronExpression: "@every 60m"}); err != nil {
		t.Fatal(err)
	}
	anHour := func() {
		for end := b.now().Add(time.Hour); b.now().Before(end); {
			b.pass(t, time.Minute)
			b.quiet(t)
		}
	}
	anHour()
	b.pass(t, time.Minute)
	b.quiet(t)
	b.reset()
	anHour()
	bill := b.used(t)
	bill.Flow, bill.States = "a planned time, with Pass only", 1
	page, err := b.client().ListExecutions(t.Context(),
		cloudflow.ListExecutionsRequest{FlowName: "timed", Status: "Succeeded"})
	if err != nil || len(page.Executions) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	if bill.Used[0] > scheduleWrites {
		t.Errorf("a planned time: %v write units, want at most %d", bill.Used[0], scheduleWrites)
	}
	return bill
}
