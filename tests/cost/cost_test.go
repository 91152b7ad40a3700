package cost_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/cost"
	"millrace/tests/emulators"
	"millrace/tests/lambda"
)

func TestMain(m *testing.M) {
	code := m.Run()
	lambda.End()
	os.Exit(code)
}

// measured is a flow whose price is taken.
type measured struct {
	name, states, input string
	executed            int     // states, in one execution
	most                float64 // write units, at most
	queue               int     // requests of SQS, at most
}

const call = "Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync, body: {n.$: $Input.n}}, OutputConstructor: {n.$: $Output.Body.n}"

// row is so many tasks in a row.
func row(n int) string {
	var b strings.Builder
	for i := range n {
		name, next := fmt.Sprint("T", i), fmt.Sprintf("Next: T%d", i+1)
		if i == 0 {
			name = "A"
		}
		if i == n-1 {
			next = "End: true"
		}
		fmt.Fprintf(&b, "- {Name: %s, %s, %s}\n", name, call, next)
	}
	return b.String()
}

func parallel(n int) string {
	return "- Name: A\n  Type: Parallel\n  Branches:\n" + strings.Repeat("  - StartAt: B\n    States:\n    - {Name: B, "+call+", End: true}\n", n) + "  End: true\n"
}

const mapped = "- Name: A\n  Type: Map\n  ItemsPath: $Input.items\n  Processor:\n    StartAt: B\n    States:\n    - {Name: B, " + call + ", End: true}\n  End: true\n"

func items(n int) string {
	return `{"items":[` + strings.TrimSuffix(strings.Repeat(`{"n":1},`, n), ",") + `]}`
}

// flows are what the prices are told of. The bounds are those of the project for five tasks, and elsewhere what a change
// must not break unnoticed.
var flows = []measured{
	{"Pass only", "- {Name: A, Type: Pass, End: true}\n", `{"n":0}`, 1, 7, 3},
	{"1 task", row(1), `{"n":0}`, 1, 9, 3},
	{"5 tasks in a row", row(5), `{"n":0}`, 5, 15, 3},
	{"20 tasks in a row", row(20), `{"n":0}`, 20, 40, 3},
	{"Parallel of 10", parallel(10), `{"n":0}`, 11, 30, 3},
	{"Map of 100", mapped, items(100), 101, 250, 3},
	{"Map of 1,000", mapped, items(1000), 1001, 3000, 3},
}

// TestCost prints what executions cost, taken from the compiled functions, and holds them to their bounds.
func TestCost(t *testing.T) {
	b := open(t)
	var bills []cost.Bill
	for i, f := range flows {
		bill := b.run(t, fmt.Sprint("f", i), f)
		bills = append(bills, bill)
		if bill.Writes > f.most || bill.Queue > f.queue {
			t.Errorf("%s: %v write units and %d requests of SQS, want at most %v and %d", f.name, bill.Writes, bill.Queue, f.most, f.queue)
		}
	}
	bills = append(bills, b.callback(t), b.hour(t))
	var text bytes.Buffer
	if err := cost.Write(&text, bills); err != nil {
		t.Fatal(err)
	}
	if testing.Verbose() {
		io.Copy(os.Stdout, &text)
	}
}

// bench is a stack behind meters.
type bench struct {
	*lambda.Stack
	table, sweeps, queue lambda.Meter
	tokens               chan string
}

// open deploys functions as the template does, behind meters. Their tasks take 50 to 150 ms, 100 ms on average. They go by
// a clock that the test moves, for the hour's wait.
func open(t *testing.T) *bench {
	b := &bench{tokens: make(chan string, 10)}
	var calls atomic.Int64
	tasks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct {
			N     int
			Token string
		}
		json.NewDecoder(r.Body).Decode(&e)
		if e.Token != "" {
			b.tokens <- e.Token
		}
		time.Sleep(time.Duration(50+calls.Add(1)*37%101) * time.Millisecond)
		fmt.Fprintf(w, `{"n":%d}`, e.N+1)
	}))
	t.Cleanup(tasks.Close)
	b.Stack = lambda.Deploy(t, lambda.Options{
		Env:       []string{"MILLRACE_CALL_SECONDS=120", "MILLRACE_SETTINGS={Limits: {Events: 100000}}", "MILLRACE_FUNCTIONS=functions: [{match: '*', http: '" + tasks.URL + "'}]"},
		APIFaults: b.table.DynamoDB, Faults: b.table.DynamoDB, SweepFaults: b.swept, QueueFaults: b.hurriedQueue,
		Poller: func(p *lambda.Poller) { p.Visibility = 30 * time.Minute },
		Function: func(f *lambda.Function) {
			if f.Name == "steprunner" {
				f.Timeout = 330 * time.Second
			}
		},
		Sweeps: -1, Aside: true, Clock: true,
	})
	return b
}

// later is when a delayed message comes: the clock has been moved by then to where it should.
const later = 2 * time.Second

// hurriedQueue counts calls of SQS, and hurries delayed messages.
func (b *bench) hurriedQueue(c emulators.Call) (*http.Response, error) {
	var request map[string]any
	if json.Unmarshal(c.Body, &request) == nil && shorten(request) {
		if body, err := json.Marshal(request); err == nil {
			c.Body = body
		}
	}
	return b.queue.SQS(c)
}

// shorten makes the delays of a request, and of the entries of a batch, as long as later.
func shorten(request map[string]any) (any bool) {
	if d, ok := request["DelaySeconds"].(float64); ok && d > later.Seconds() {
		request["DelaySeconds"], any = int(later.Seconds()), true
	}
	entries, _ := request["Entries"].([]interface{})
	for _, e := range entries {
		if e, ok := e.(map[string]interface{}); ok && shorten(e) {
			any = true
		}
	}
	return any
}

// swept counts what the sweeper does for an execution, not that it looks for any.
func (b *bench) swept(c emulators.Call) (*http.Response, error) {
	if c.Op == "Query" {
		return c.Send()
	}
	return b.sweeps.DynamoDB(c)
}

// run takes the price of one execution of a flow that has run once before: functions are warm and know the definition.
func (b *bench) run(t *testing.T, name string, f measured) cost.Bill {
	t.Helper()
	b.Define(name, f.states)
	b.Start(name, "warm", `{"n":0,"items":[{"n":1}]}`)
	b.ended(t, name, "warm")
	return b.bill(t, f.name, f.executed, func() {
		b.Start(name, "one", f.input)
		b.ended(t, name, "one")
	})
}

// ended waits until an execution has succeeded and nothing of it goes on.
func (b *bench) ended(t *testing.T, flow, name string) {
	t.Helper()
	if x := b.Wait(flow, name, 2*time.Minute); x.Status != "Succeeded" {
		t.Fatalf("%s of %s: %s; %v", name, flow, x.Status, b.History(flow, name))
	}
	b.quiet(t)
}

func (b *bench) quiet(t *testing.T) {
	t.Helper()
	late := time.Now().Add(time.Minute)
	for quiet := 0; quiet < 5; time.Sleep(10 * time.Millisecond) {
		if quiet++; !b.Idle() {
			quiet = 0
		}
		if time.Now().After(late) {
			t.Fatalf("the stack does not come to rest: %s", b.Poller)
		}
	}
}

// bill counts what is used while f runs.
func (b *bench) bill(t *testing.T, name string, states int, f func()) cost.Bill {
	t.Helper()
	b.table.Reset()
	b.sweeps.Reset()
	b.queue.Reset()
	requests, runs, batches := b.API.Invocations(), b.Runner.Invocations(), b.Poller.Batches.Load()
	api, runner := b.API.Billed(), b.Runner.Billed()
	f()
	u := b.table.Used()
	sends := 0
	for op, n := range b.queue.Used().Calls {
		if !strings.HasPrefix(op, "SendMessage") {
			t.Errorf("%s: %d calls of %s", name, n, op)
		}
		sends += n
	}
	requests, runs = b.API.Invocations()-requests, b.Runner.Invocations()-runs
	t.Logf("%s: %v", name, u.Calls)
	return cost.Bill{Flow: name, Writes: u.Writes, Index: u.Index, Reads: u.Reads, Queue: sends + 2*int(b.Poller.Batches.Load()-batches),
		Invocations: int(requests + runs), Requests: int(requests), States: states,
		GBSeconds: (b.API.Billed()-api).Seconds()*cost.APIMemory + (b.Runner.Billed()-runner).Seconds()*cost.RunnerMemory}
}

// callback is a task that waits for a report, which comes once nothing of the execution goes on any more.
func (b *bench) callback(t *testing.T) cost.Bill {
	t.Helper()
	b.Define("callback", "- {Name: A, Type: Task, Action: 'FC:InvokeFunction', TaskMode: WaitForCustomCallback, Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync, body: {token.$: $Context.Current.TaskToken}}, End: true}\n")
	once := func(name string) func() {
		return func() {
			b.Start("callback", name, "{}")
			token := <-b.tokens
			b.quiet(t)
			if _, err := b.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: `{"answer":42}`}); err != nil {
				t.Fatal(err)
			}
			b.ended(t, "callback", name)
		}
	}
	once("warm")()
	return b.bill(t, "a callback", 1, once("one"))
}

// hour is a wait of an hour, minute after minute of which the sweeper comes. What it does for this execution is in
// the bill; that it looks for any is the cost of an idle stack.
func (b *bench) hour(t *testing.T) cost.Bill {
	t.Helper()
	definition := "version: v1\ntype: flow\nname: wait\nsteps:\n- {type: wait, name: a, duration: 3600}\n"
	if _, err := b.Client.CreateFlow(t.Context(), cloudflow.CreateFlowRequest{Name: "wait", Definition: definition, Type: "FDL"}); err != nil {
		t.Fatal(err)
	}
	bill := b.bill(t, "a wait of an hour", 1, func() {
		b.Start("wait", "one", "{}")
		b.quiet(t)
		for end := b.Clock.Now().Add(time.Hour + time.Minute); b.Clock.Now().Before(end); {
			b.minute(t)
		}
		b.ended(t, "wait", "one")
	})
	swept := b.sweeps.Used()
	t.Logf("the sweeps for it: %v", swept.Calls)
	bill.Writes, bill.Index, bill.Reads = bill.Writes+swept.Writes, bill.Index+swept.Index, bill.Reads+swept.Reads
	return bill
}

// minute lets a minute go by, at the end of which the sweeper comes. What it has sent for later is waited for once that
// time has come.
func (b *bench) minute(t *testing.T) {
	t.Helper()
	wake, waits := b.NextWake()
	before := b.Clock.Now()
	if err := b.Clock.Move(time.Minute); err != nil {
		t.Fatal(err)
	}
	b.Sweep()
	if waits && wake.After(before) && !wake.After(b.Clock.Now()) {
		time.Sleep(later + time.Second/2)
		b.quiet(t)
	}
}
