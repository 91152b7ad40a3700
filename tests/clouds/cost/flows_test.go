package cost_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// bounds are the maximum use of an execution in a cloud. Those of five tasks are goals of the
// project. The others detect changes that make executions more expensive.
type bounds struct {
	writes float64 // units of the table
	queue  float64 // requests of SQS or MNS
}

// measured is a flow whose price is measured.
type measured struct {
	name, states, input string
	executed            int // states, in one execution
	aws, alibaba        bounds
}

const call = "Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: " +
	"'acs:fc:::functions/f', invocationType: Sync, body: {n.$: $Input.n}}, OutputConstructor: " +
	"{n.$: $Output.Body.n}"

// row returns n tasks in sequence.
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
	return "- Name: A\n  Type: Parallel\n  Branches:\n" +
		strings.Repeat("  - StartAt: B\n    States:\n    - {Name: B, "+call+", End: true}\n",
			n) + "  End: true\n"
}

const mapped = "- Name: A\n  Type: Map\n  ItemsPath: $Input.items\n  Processor:\n" +
	"    StartAt: B\n    States:\n    - {Name: B, " + call + ", End: true}\n  End: true\n"

// distributed returns a Map whose items have child executions with one task each.
func distributed(mode string) string {
	return strings.Replace(mapped, "  Processor:",
		"  ProcessorConfig: {ExecutionMode: "+mode+"}\n  Processor:", 1)
}

func items(n int) string {
	return `{"items":[` + strings.TrimSuffix(strings.Repeat(`{"n":1},`, n), ",") + `]}`
}

// flows lists the flows that the table of prices shows.
var flows = []measured{
	{"Pass only", "- {Name: A, Type: Pass, End: true}\n", `{"n":0}`, 1, bounds{7, 3}, bounds{7, 3}},
	{"1 task", row(1), `{"n":0}`, 1, bounds{9, 3}, bounds{9, 3}},
	{"5 tasks in a row", row(5), `{"n":0}`, 5, bounds{15, 3}, bounds{15, 3}},
	{"20 tasks in a row", row(20), `{"n":0}`, 20, bounds{40, 3}, bounds{40, 3}},
	{"Parallel of 10", parallel(10), `{"n":0}`, 11, bounds{30, 3}, bounds{20, 3}},
	{"Map of 100", mapped, items(100), 101, bounds{250, 3}, bounds{130, 3}},
	{"Map of 1,000", mapped, items(1000), 1001, bounds{3000, 3}, bounds{1200, 3}},
	{"distributed Map of 100, Express", distributed("Express"), items(100), 101,
		bounds{250, 3}, bounds{130, 3}},
	{"distributed Map of 1,000, Express", distributed("Express"), items(1000), 1001,
		bounds{2500, 3}, bounds{1200, 3}},
	{"distributed Map of 100, Standard", distributed("Standard"), items(100), 101,
		bounds{4000, 1000}, bounds{4000, 1000}},
}

const (
	callback = "- {Name: A, Type: Task, Action: 'FC:InvokeFunction', TaskMode: " +
		"WaitForCustomCallback, Parameters: {resourceArn: 'acs:fc:::functions/f', " +
		"invocationType: Sync, body: {token.$: $Context.Current.TaskToken}}, End: true}\n"
	hour = "version: v1\ntype: flow\nname: wait\nsteps:\n- {type: wait, name: a, duration: " +
		"3600}\n"
)

// work runs the tasks. A task takes 50 to 150 ms, 100 on average. work passes on the task tokens
// that it gets.
type work struct {
	calls  atomic.Int64
	tokens chan string
}

func newWork() *work { return &work{tokens: make(chan string, 10)} }

func (w *work) do(event []byte) (response string, failed bool) {
	var e struct {
		N     int
		Token string
	}
	json.Unmarshal(event, &e)
	if e.Token != "" {
		w.tokens <- e.Token
	}
	time.Sleep(time.Duration(50+w.calls.Add(1)*37%101) * time.Millisecond)
	return fmt.Sprintf(`{"n":%d}`, e.N+1), false
}
