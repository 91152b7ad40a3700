package dynamostore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue/sqsqueue"
	"millrace/shared/store"
	"millrace/shared/store/dynamostore"
	"millrace/shared/task"
	"millrace/tests/clouds/emulators"
)

// world is one table and one queue.
type world struct {
	dynamo, queues string
	table, queue   string
	tasks          tasks
	sends          http.RoundTripper // to the queue; nil: without a meter
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		dynamo: emulators.StartDynalite(t),
		queues: emulators.StartFauxqs(t),
		table:  emulators.Unique("millrace"),
	}
	if err := dynamostore.CreateTable(t.Context(),
		dynamostore.NewClient(emulators.Config(w.dynamo, nil)), w.table); err != nil {
		t.Fatal(err)
	}
	name := "hints"
	out, err := sqs.NewFromConfig(emulators.Config(w.queues, nil)).CreateQueue(t.Context(),
		&sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	w.queue = *out.QueueUrl
	return w
}

// process is one process with its own clients, store, queue and engine.
type process struct {
	*cloudflow.Service
	engine *engine.Engine
	queue  *sqsqueue.Queue
}

// process starts one more process on the world. Its calls to DynamoDB go through transport.
func (w *world) process(t *testing.T, transport http.RoundTripper) *process {
	t.Helper()
	e := &process{}
	driver := dynamostore.New(dynamostore.Options{
		Client: dynamostore.NewClient(emulators.Config(w.dynamo, transport)),
		Table:  w.table,
	})
	st := store.New(store.Options{Driver: driver, TailBytes: 1200})
	e.queue = sqsqueue.New(sqsqueue.Options{
		Client:     sqs.NewFromConfig(emulators.Config(w.queues, w.sends)),
		URL:        w.queue,
		Visibility: 2 * time.Second,
	})
	limits := flow.DefaultLimits()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	e.engine = engine.New(engine.Options{
		Store:  st,
		Queue:  e.queue,
		Tasks:  &w.tasks,
		Limits: limits,
		Region: emulators.Region,
		Log:    log,
		Compile: func(definition, mode string) (*flow.Machine, error) {
			m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: mode, Limits: limits})
			if m == nil {
				return nil, fdl.Fault(diagnostics)
			}
			return m, nil
		},
	})
	e.Service = cloudflow.New(cloudflow.Options{
		Store:  st,
		Engine: e.engine,
		Limits: limits,
		Region: emulators.Region,
		Log:    log,
	})
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { e.queue.Consume(ctx, e.engine.HandleHint) })
	work.Go(func() {
		for every := time.NewTicker(time.Second); ctx.Err() == nil; {
			if err := e.engine.Sweep(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("sweep: %v", err)
			}
			select {
			case <-every.C:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		stop()
		work.Wait()
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		e.engine.Close(grace)
		st.Close()
	})
	return e
}

// tasks plays the services that flows call. It counts the calls by their idempotency key.
type tasks struct {
	mu     sync.Mutex
	calls  map[string]int
	tokens chan string // of callback tasks
}

func (s *tasks) Run(_ context.Context, r task.Request) task.Result {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[r.Key]++
	tokens := s.tokens
	s.mu.Unlock()
	var p struct {
		Fail  int `json:"fail"`
		Retry int `json:"retry"`
	}
	if err := json.Unmarshal(body(r.Parameters), &p); err == nil && p.Retry < p.Fail {
		return task.Fail("FC.ResourceThrottled", "not yet")
	}
	if r.Mode == flow.WaitForCustomCallback {
		tokens <- r.Token
	}
	return task.Result{Output: json.RawMessage(`{"Code":200,"Header":{},"Body":{"done":true}}`)}
}

func body(parameters json.RawMessage) json.RawMessage {
	var p struct {
		Body json.RawMessage `json:"body"`
	}
	json.Unmarshal(parameters, &p)
	return p.Body
}

const head = "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: S1\nStates:\n"

// invoke returns the definition of a task state.
func invoke(name, next, more string) string {
	return fmt.Sprintf("  - Name: %s\n    Type: Task\n    Action: FC:InvokeFunction\n"+
		"    Parameters: {resourceArn: 'acs:fc:::functions/f/LATEST', invocationType: Sync, "+
		"body: {n: 1}}\n%s    %s\n", name, more, next)
}

func inARow(n int) string {
	text := head
	for i := 1; i <= n; i++ {
		next := "End: true"
		if i < n {
			next = fmt.Sprint("Next: S", i+1)
		}
		text += invoke(fmt.Sprint("S", i), next, "")
	}
	return text
}

const retrying = head + `  - Name: S1
    Type: Task
    Action: FC:InvokeFunction
    Parameters:
      resourceArn: acs:fc:::functions/f/LATEST
      invocationType: Sync
      body: {fail: 2, retry.$: $Context.Current.RetryCount}
    Retry:
      - {Errors: [FnF.ALL], Description: again, MaxAttempts: 3, IntervalSeconds: 1}
    End: true
`

const callback = head + `  - Name: S1
    Type: Task
    Action: FC:InvokeFunction
    TaskMode: WaitForCustomCallback
    Parameters: {resourceArn: 'acs:fc:::functions/f/LATEST', invocationType: Sync, body: {n: 1}}
    OutputConstructor: {answer.$: $Output.answer}
    End: true
`

func parallel(branches int) string {
	text := head + "  - Name: S1\n    Type: Parallel\n    Branches:\n"
	for i := range branches {
		text += fmt.Sprintf("      - StartAt: B%d\n        States:\n          - Name: B%d\n"+
			"            Type: Task\n            Action: FC:InvokeFunction\n"+
			"            Parameters: {resourceArn: 'acs:fc:::functions/f/LATEST', "+
			"invocationType: Sync, body: {n: %d}}\n            OutputConstructor: {b%d: %d}\n"+
			"            End: true\n", i, i, i, i, i)
	}
	return text + "    End: true\n"
}

var caller = cloudflow.Caller{Account: "123456789012", Region: emulators.Region}

func (e *process) create(t *testing.T, name, definition string) {
	t.Helper()
	if _, err := e.CreateFlow(t.Context(), caller, cloudflow.CreateFlowRequest{
		Name:       name,
		Definition: strings.Replace(definition, "Name: f\n", "Name: "+name+"\n", 1),
		Type:       "FDL",
	}); err != nil {
		t.Fatalf("CreateFlow %s: %v", name, err)
	}
}

// start starts an execution, and tries again while the store is too busy.
func (e *process) start(t *testing.T, flowName, name string) {
	t.Helper()
	if _, err := e.StartExecution(t.Context(), caller, cloudflow.StartExecutionRequest{
		FlowName:      flowName,
		ExecutionName: name,
		Input:         `{"in":1}`,
	}); err != nil {
		t.Fatalf("StartExecution %s: %v", name, err)
	}
}

// ended waits for the end of an execution and returns it.
func (e *process) ended(t *testing.T, flowName, name string) *cloudflow.Execution {
	t.Helper()
	wait := int64(20)
	for late := time.Now().Add(5 * time.Minute); time.Now().Before(late); {
		x, err := e.DescribeExecution(t.Context(), caller, cloudflow.DescribeExecutionRequest{
			FlowName:        flowName,
			ExecutionName:   name,
			WaitTimeSeconds: &wait,
		})
		if err != nil {
			t.Fatalf("DescribeExecution %s: %v", name, err)
		}
		if x.Status != "Running" {
			return x
		}
	}
	t.Fatalf("%s/%s does not end", flowName, name)
	return nil
}

// wantHistory reads an execution's history and fails the test if it has gaps.
func (e *process) wantHistory(t *testing.T, flowName, name string) int64 {
	t.Helper()
	q := cloudflow.GetExecutionHistoryRequest{FlowName: flowName, ExecutionName: name}
	last := int64(0)
	for {
		page, err := e.GetExecutionHistory(t.Context(), caller, q)
		if err != nil {
			t.Fatalf("GetExecutionHistory %s: %v", name, err)
		}
		for _, ev := range page.Events {
			if last++; ev.ID != last {
				t.Fatalf("%s/%s: event %d after %d", flowName, name, ev.ID, last-1)
			}
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return last
		}
	}
}

var flows = map[string]string{
	"pass":     head + "  - Name: S1\n    Type: Pass\n    End: true\n",
	"task":     inARow(1),
	"five":     inARow(5),
	"retry":    retrying,
	"parallel": parallel(10),
	"callback": callback,
}

// TestEngine: two engines of different processes share one table and one queue. Every flow ends as
// it does with one engine.
func TestEngine(t *testing.T) {
	w := newWorld(t)
	run(t, w, nil, 4)
}

// TestEngineOnAFaultyStore runs the same while DynamoDB throttles writes, loses responses after it
// has written, and fails at times.
func TestEngineOnAFaultyStore(t *testing.T) {
	w := newWorld(t)
	var n atomic.Int64
	run(t, w, emulators.Faulty(func(c emulators.Call) (*http.Response, error) {
		switch n.Add(1) % 17 {
		case 3:
			return c.Throttle()
		case 9:
			return c.Lose()
		case 14:
			return c.Refuse(http.StatusInternalServerError, "InternalServerError", "no")
		}
		return c.Send()
	}), 4)
}

func run(t *testing.T, w *world, transport http.RoundTripper, each int) {
	w.tasks.tokens = make(chan string, each)
	engines := []*process{w.process(t, transport), w.process(t, transport)}
	for name, definition := range flows {
		engines[0].create(t, name, definition)
	}
	names := map[string][]string{}
	for f := range flows {
		for i := range each {
			name := fmt.Sprint("x", i)
			names[f] = append(names[f], name)
			engines[i%2].start(t, f, name)
		}
	}
	for i := range each {
		report(t, engines[i%2], <-w.tasks.tokens)
	}
	for f, list := range names {
		for i, name := range list {
			e := engines[(i+1)%2] // the other one
			x := e.ended(t, f, name)
			if x.Status != "Succeeded" {
				t.Errorf("%s/%s: %s", f, name, x.Status)
			}
			if f == "callback" && x.Output != `{"answer":42}` {
				t.Errorf("%s/%s: output %s", f, name, x.Output)
			}
			e.wantHistory(t, f, name)
		}
	}
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	for key, n := range w.tasks.calls {
		if n != 1 {
			t.Errorf("the call %s is made %d times", key, n)
		}
	}
}

// report reports the result of a callback task.
func report(t *testing.T, e *process, token string) {
	t.Helper()
	for {
		_, err := e.ReportTaskSucceeded(t.Context(), caller,
			cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: `{"answer":42}`})
		var f *fault.Error
		switch {
		case err == nil:
			return
		case errors.As(err, &f) &&
			(f.Code == fault.TaskInvalidState || strings.HasPrefix(string(f.Code), "Internal")):
			continue // busy: try again
		}
		t.Fatalf("ReportTaskSucceeded: %v", err)
	}
}

// TestFiftyStarts: fifty callers race for a name through two processes. It is started once.
func TestFiftyStarts(t *testing.T) {
	w := newWorld(t)
	engines := []*process{w.process(t, nil), w.process(t, nil)}
	engines[0].create(t, "task", flows["task"])
	var done sync.WaitGroup
	var refused atomic.Int64
	for i := range 50 {
		done.Go(func() {
			_, err := engines[i%2].StartExecution(t.Context(), caller,
				cloudflow.StartExecutionRequest{
					FlowName:      "task",
					ExecutionName: "one",
					Input:         `{"in":1}`,
				})
			var f *fault.Error
			if errors.As(err, &f) && f.Code == fault.ExecutionAlreadyExists {
				refused.Add(1)
			} else if err != nil {
				t.Errorf("StartExecution: %v", err)
			}
		})
	}
	done.Wait()
	if x := engines[1].ended(t, "task", "one"); x.Status != "Succeeded" {
		t.Errorf("%s", x.Status)
	}
	if n := len(w.tasks.calls); n != 1 {
		t.Errorf("%d tasks were called", n)
	}
}
