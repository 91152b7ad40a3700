package versions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/clouds"
	"millrace/tests/faults/versions"
	"millrace/tests/reference"
	"millrace/tests/support/live"
)

func TestMain(m *testing.M) { live.Main(m, versions.Remove) }

// TestUpgrade checks that this commit's server continues executions that wait in every way and were
// begun by the other commit's server. If the formats of rows are equal, the other server ends them.
func TestUpgrade(t *testing.T) {
	other := versions.OtherCommit(t)
	before, now := other.Server(t), live.Binary(t)
	w := begin(t, before)
	w.switchTo(now)
	w.report(asks / 2)
	if other.SameRows {
		w.switchTo(before)
	}
	w.report(asks)
	w.check()
}

// TestDowngrade does the same in the other direction. If the formats of rows differ, the other
// commit's server must report it and change nothing.
func TestDowngrade(t *testing.T) {
	other := versions.OtherCommit(t)
	before, now := other.Server(t), live.Binary(t)
	w := begin(t, now)
	w.switchTo(before)
	if other.SameRows {
		w.report(asks / 2)
	} else {
		w.checkRefused()
	}
	w.switchTo(now)
	w.report(asks)
	w.check()
}

// upgrade is a server whose program changes, with executions that wait for reports.
type upgrade struct {
	t           *testing.T
	server      *live.Server
	client      *client.Client
	definitions map[string]string
	reported    int // how many of tokens

	mu     sync.Mutex
	tokens []string
}

// flows are the flows to start. Each starts a child.
var flows = []string{"wide", "old"}

const input = `{"items":[1,2,3]}`

// begin starts an execution of each flow in a server, and waits until all of them only wait.
func begin(t *testing.T, program string) *upgrade {
	t.Helper()
	w := &upgrade{t: t}
	tasks := httptest.NewServer(w)
	t.Cleanup(tasks.Close)
	w.definitions = definitions(tasks.URL)
	o := live.Options{Settings: "{SweepSeconds: 1}", Functions: functions(tasks.URL)}
	w.server = live.New(t, o)
	w.switchTo(program)
	w.client = w.server.Client()
	for name, text := range w.definitions {
		q := cloudflow.CreateFlowRequest{Name: name, Definition: text, Type: "FDL"}
		if _, err := w.client.CreateFlow(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, name := range flows {
		q := cloudflow.StartExecutionRequest{FlowName: name, ExecutionName: "one", Input: input}
		if _, err := w.client.StartExecution(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	waiting := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.tokens) >= asks
	}
	for end := time.Now().Add(time.Minute); !waiting(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d tokens have come, want %d", len(w.tokens), asks)
		}
	}
	return w
}

// ServeHTTP serves every task.
func (w *upgrade) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var body struct {
		Token string
		Fill  int
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	if body.Token != "" && !slices.Contains(w.tokens, body.Token) {
		w.tokens = append(w.tokens, body.Token)
	}
	w.mu.Unlock()
	rw.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(rw, `{"text":%q}`, strings.Repeat("x", body.Fill))
}

// switchTo kills the server and starts another program on its data.
func (w *upgrade) switchTo(program string) {
	w.t.Helper()
	w.server.Kill()
	w.server.SetProgram(program)
	w.server.Start()
	w.server.WaitReady()
}

// report reports tokens until the given number was reported. Each report must be accepted once, and
// a second one rejected.
func (w *upgrade) report(until int) {
	w.t.Helper()
	for ; w.reported < until; w.reported++ {
		q := cloudflow.ReportTaskSucceededRequest{TaskToken: w.tokens[w.reported],
			Output: fmt.Sprintf(`{"by":"r%d"}`, w.reported)}
		if _, err := w.client.ReportTaskSucceeded(w.t.Context(), q); err != nil {
			w.t.Errorf("report %d: %v", w.reported, err)
		}
		if _, err := w.client.ReportTaskSucceeded(w.t.Context(), q); err == nil {
			w.t.Errorf("report %d is accepted twice", w.reported)
		}
	}
}

// checkRefused checks that a server that does not know the rows neither shows nor changes an
// execution, and reports why.
func (w *upgrade) checkRefused() {
	w.t.Helper()
	time.Sleep(3 * time.Second) // some sweeps
	for _, name := range flows {
		q := cloudflow.DescribeExecutionRequest{FlowName: name, ExecutionName: "one"}
		if x, err := w.client.DescribeExecution(w.t.Context(), q); err == nil {
			w.t.Errorf("%s is shown as %+v", name, x)
		}
	}
	for i, token := range w.tokens {
		q := cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: `{"by":"refused"}`}
		if _, err := w.client.ReportTaskSucceeded(w.t.Context(), q); err == nil {
			w.t.Errorf("report %d is accepted", i)
		}
	}
	if !strings.Contains(w.server.Log.String(), "a format that this program does not know") {
		w.t.Errorf("the log does not say why: %s", w.server.Log)
	}
}

// check waits for all ends. The language must allow each history, and all histories together must
// contain each report once.
func (w *upgrade) check() {
	w.t.Helper()
	all := ""
	q := cloudflow.ListExecutionsRequest{FlowName: "child"}
	page, err := w.client.ListExecutions(w.t.Context(), q)
	if err != nil || len(page.Executions) != len(flows) {
		w.t.Fatalf("%d children, want %d, %v", len(page.Executions), len(flows), err)
	}
	for _, x := range page.Executions {
		all += w.ended("child", x.Name)
	}
	for _, name := range flows {
		all += w.ended(name, "one")
	}
	// as the end of its task; the end of a child flow contains the child's output
	for i := range asks {
		lines := regexp.MustCompile(fmt.Sprintf(`(?i)\bask\w+ TaskSucceeded .*"by":"r%d"`, i))
		if n := len(lines.FindAllString(all, -1)); n != 1 {
			w.t.Errorf("report %d is there %d times", i, n)
		}
	}
	w.server.Shutdown()
}

// ended waits for the end of an execution, judges it, and returns its events as text.
func (w *upgrade) ended(name, execution string) (text string) {
	w.t.Helper()
	f := clouds.Flows{T: w.t, Client: w.client, Watcher: w.client}
	x := f.Wait(name, execution, 2*time.Minute)
	kept := strings.Repeat("x", map[string]int{"wide": 30000, "old": 9000}[name])
	if x.Status != "Succeeded" || !strings.Contains(x.Output, kept) {
		w.t.Errorf("%s %s: %s %.200s", name, execution, x.Status, x.Output)
	}
	events, ends := f.Events(name, execution), 0
	for _, e := range events {
		text += fmt.Sprintf("%s %s %.300s\n", e.StepName, e.Type, e.EventDetail)
		if strings.HasPrefix(e.Type, "Execution") && e.Type != "ExecutionStarted" {
			ends++
		}
	}
	if ends != 1 {
		w.t.Errorf("%s %s has ended %d times:\n%s", name, execution, ends, text)
	}
	context := reference.Context{Flow: name, Execution: execution}
	err := reference.CheckHistory(w.definitions[name], x.Input, context, name == "old", events)
	if err != nil {
		w.t.Errorf("%s %s: %v", name, execution, err)
	}
	return text
}
