package cost_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/shared/rpc/client"
	"millrace/shared/store/dynamostore"
	"millrace/tests/clouds/cost"
	"millrace/tests/clouds/emulators"
	"millrace/tests/clouds/lambda"
)

// aws is a stack with meters.
type aws struct {
	*lambda.Stack
	tasks                *work
	table, sweeps, queue emulators.Meter

	requests, runs, batches int64         // at the begin of metering
	api, runner             time.Duration // at the begin of metering
}

// openAWS deploys functions with the settings of template.yaml.
func openAWS(t *testing.T) target {
	a := &aws{tasks: newWork()}
	a.table.Table, a.sweeps.Table = dynamostore.Schema(""), dynamostore.Schema("")
	tasks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, _ := io.ReadAll(r.Body)
		response, _ := a.tasks.do(event)
		io.WriteString(w, response)
	}))
	t.Cleanup(tasks.Close)
	a.Stack = lambda.Deploy(t, lambda.Options{
		Env: []string{"MILLRACE_CALL_SECONDS=120",
			"MILLRACE_SETTINGS={Limits: {Events: 100000}}",
			"MILLRACE_FUNCTIONS=functions: [{match: '*', http: '" + tasks.URL + "'}]"},
		APIFaults: a.table.DynamoDB, Faults: a.table.DynamoDB, SweepFaults: a.swept,
		QueueFaults: a.hurriedQueue,
		Poller:      func(p *lambda.Poller) { p.Visibility = 30 * time.Minute },
		Function: func(f *lambda.Function) {
			if f.Name == "steprunner" {
				f.Timeout = 330 * time.Second
			}
		},
		Sweeps: -1, Clock: true,
	})
	return a
}

func (a *aws) prices() cost.Cloud     { return cost.AWS }
func (a *aws) client() *client.Client { return a.Client }
func (a *aws) work() *work            { return a.tasks }
func (a *aws) idle() bool             { return a.Idle() }
func (a *aws) now() time.Time         { return a.Clock.Now() }

// later is the delay of each delayed message. By then the test has moved the clock.
const later = 2 * time.Second

// hurriedQueue counts calls of SQS, and shortens the delays of messages.
func (a *aws) hurriedQueue(c emulators.Call) (*http.Response, error) {
	var request map[string]any
	if json.Unmarshal(c.Body, &request) == nil && shorten(request) {
		if body, err := json.Marshal(request); err == nil {
			c.Body = body
		}
	}
	return a.queue.SQS(c)
}

// shorten sets the delays in a request, and in the entries of a batch, to later.
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

// swept counts the sweeper's work for an execution, but not its search for due rows, which begins
// with the row that has the number of shards.
func (a *aws) swept(c emulators.Call) (*http.Response, error) {
	if c.Op == "Query" || c.Op == "GetItem" && bytes.Contains(c.Body, []byte("g#deployment")) {
		return c.Send()
	}
	return a.sweeps.DynamoDB(c)
}

// pass lets time pass. If the sweeper has sent messages with a delay, pass waits for them when
// their time has come.
func (a *aws) pass(t *testing.T, by time.Duration) {
	t.Helper()
	wake, waits := a.NextWake()
	before := a.now()
	if err := a.Clock.Move(by); err != nil {
		t.Fatal(err)
	}
	a.Sweep()
	if waits && wake.After(before) && !wake.After(a.now()) {
		time.Sleep(later + time.Second/2)
	}
}

func (a *aws) reset() {
	a.table.Reset()
	a.sweeps.Reset()
	a.queue.Reset()
	a.requests, a.runs, a.batches = a.API.Invocations(), a.StepRunner.Invocations(),
		a.Poller.Batches.Load()
	a.api, a.runner = a.API.Billed(), a.StepRunner.Billed()
}

func (a *aws) used(t *testing.T) cost.Bill {
	t.Helper()
	u, swept := a.table.Used(), a.sweeps.Used()
	queue := 2 * float64(a.Poller.Batches.Load()-a.batches)
	for op, n := range a.queue.Used().Calls {
		if !strings.HasPrefix(op, "SendMessage") {
			t.Errorf("%d calls of %s", n, op)
		}
		queue += float64(n)
	}
	requests, runs := float64(a.API.Invocations()-a.requests),
		float64(a.StepRunner.Invocations()-a.runs)
	t.Logf("calls of the table: %v, and of sweeps %v", u.Calls, swept.Calls)
	seconds := (a.API.Billed()-a.api).Seconds()*cost.AWSAPIMemory +
		(a.StepRunner.Billed()-a.runner).Seconds()*cost.AWSRunnerMemory
	return cost.Bill{Used: []float64{u.Writes + swept.Writes, u.Reads + swept.Reads, queue,
		requests + runs, seconds, requests}, IndexWrites: u.Index + swept.Index}
}
