package cloud

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/events"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

var (
	outcomeSeed = flag.Uint64("outcome-seed", 1, "the first seed of TestOutcomesBySeed")
	outcomeRuns = flag.Uint64("outcome-seeds", 300, "so many seeds from there on")
)

// asyncResultHarness simulates tasks that wait for asynchronous invocations, the async results of
// these, and a store and a queue with faults, all from a seed. The engine, the invocation records
// and asyncResults are real.
type asyncResultHarness struct {
	t       *testing.T
	rand    *rand.Rand
	mu      sync.Mutex
	faults  bool
	rows    *memstore.Store
	o       *asyncResults
	waiting map[string]*invoked // by execution
	work    sync.WaitGroup
}

// invoked is one invocation and its state.
type invoked struct {
	id, function, token string
	failed              bool
	// When its invocation record was written; zero: never.
	recordWritten time.Time
	// When its last async result arrived; zero: never.
	resultArrived time.Time
}

// The function that tasks invoke, and one that no task invokes.
const (
	invokedFunction = "acs:fc:cn:1:functions/f"
	foreignFunction = "acs:fc:cn:1:functions/g"
)

func newAsyncResultHarness(t *testing.T, seed uint64) *asyncResultHarness {
	w := &asyncResultHarness{
		t:       t,
		rand:    rand.New(rand.NewPCG(seed, 2)),
		faults:  true,
		rows:    memstore.New(),
		waiting: map[string]*invoked{},
	}
	w.rows.Before = func(string, driver.Key) error { return w.fault(8, "not done") }
	w.rows.After = func(string, driver.Key) error { return w.fault(8, "done, and the answer lost") }
	return w
}

func (w *asyncResultHarness) draw(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rand.IntN(n)
}

func (w *asyncResultHarness) after(d time.Duration, do func()) {
	w.work.Go(func() {
		time.Sleep(d)
		do()
	})
}

func (w *asyncResultHarness) fault(n int, what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.faults && w.rand.IntN(n) == 0 {
		return errors.New(what)
	}
	return nil
}

// call runs the action: it invokes a function. The invocation record is written before the call
// returns, later, or never.
func (w *asyncResultHarness) call(_ context.Context, r task.Request) task.Result {
	w.mu.Lock()
	v := w.waiting[r.Execution]
	again := v.token != ""
	v.token = r.Token
	w.mu.Unlock()
	if again {
		return task.Result{Output: []byte(`{}`)}
	}
	writeRecord := func() {
		n := task.InvocationRecord{
			Account:  r.Account,
			Token:    r.Token,
			Action:   "FC:InvokeFunction",
			Function: v.function,
		}
		for w.o.Record(context.Background(), v.id, n) != nil {
			time.Sleep(100 * time.Millisecond)
		}
		w.mu.Lock()
		v.recordWritten = time.Now()
		w.mu.Unlock()
	}
	switch w.draw(5) {
	case 0: // the caller dies before it writes the record
	case 1:
		w.after(time.Duration(w.draw(5000))*time.Millisecond, writeRecord)
	default:
		writeRecord()
	}
	for range []int{0, 1, 1, 1, 2}[w.draw(5)] {
		w.after(time.Duration(w.draw(8000))*time.Millisecond,
			func() { w.record(v, v.function, v.id) })
	}
	if w.draw(3) == 0 { // another function with the same id, and another id
		w.after(time.Duration(w.draw(8000))*time.Millisecond,
			func() { w.record(v, foreignFunction, v.id) })
		w.after(time.Duration(w.draw(8000))*time.Millisecond,
			func() { w.record(v, v.function, v.id+"0") })
	}
	return task.Result{Output: []byte(`{}`)}
}

// record delivers an async result. It belongs to the invocation if function and id are the
// invocation's own.
func (w *asyncResultHarness) record(v *invoked, function, id string) {
	failure := ""
	if v.failed {
		failure = `"functionError":"Unhandled"`
	}
	out := recordOf(
		w.t, fmt.Sprintf(
			`{"requestContext":{"requestId":%q,"functionArn":%q,"condition":"Success"},`+
				`"responseContext":{%s},`+
				`"responsePayload":{"of":%[1]q,"by":%[2]q}}`, id, function, failure))
	if own := function == v.function && id == v.id; own {
		w.mu.Lock()
		v.resultArrived = time.Now()
		w.mu.Unlock()
	}
	w.deliver(out)
}

// deliver delivers an async result until it is acknowledged, as a queue does.
func (w *asyncResultHarness) deliver(out events.AsyncResult) {
	for w.o.handle(context.Background(), out) != nil {
		time.Sleep(time.Second)
	}
}

// resend puts an async result back into the queue.
func (w *asyncResultHarness) resend(_ context.Context, text []byte, delay time.Duration) error {
	if err := w.fault(8, "the queue refuses"); err != nil {
		return err
	}
	out, err := events.DecodeAsyncResult(text)
	if err == nil {
		w.after(delay, func() { w.deliver(out) })
	}
	return err
}

// TestOutcomesBySeed: a task ends once, with the async result of its own invocation and nothing
// else, whenever the record and the async result arrive and whatever fails in between. No
// invocation record of an ended task remains.
func TestOutcomesBySeed(t *testing.T) {
	for seed := *outcomeSeed; seed < *outcomeSeed+*outcomeRuns; seed++ {
		synctest.Test(t, func(t *testing.T) { runAsyncResultSeed(t, seed) })
		if t.Failed() {
			t.Fatalf("go test ./shared/app/cloud -run TestOutcomesBySeed -outcome-seed %d "+
				"-outcome-seeds 1", seed)
		}
	}
}

func runAsyncResultSeed(t *testing.T, seed uint64) {
	w := newAsyncResultHarness(t, seed)
	s, limits, log := store.New(store.Options{Driver: w.rows}), flow.DefaultLimits(),
		slog.New(slog.DiscardHandler)
	tasks := task.RunnerFunc(w.call)
	r := engine.New(engine.Options{
		Store:    s,
		Queue:    memqueue.New(memqueue.Options{}),
		Compile:  fdl.Compiler(limits),
		Limits:   limits,
		Topology: engine.Embedded,
		Tasks:    tasks,
		Log:      log,
	})
	service := cloudflow.New(cloudflow.Options{Store: s, Engine: r, Limits: limits, Log: log})
	identity := func(function string) (string, error) { return function, nil }
	output := func(_ *task.Request, _ string, payload []byte) task.Result {
		return task.Result{Output: payload}
	}
	w.o = &asyncResults{
		driver:      w.rows,
		engine:      r,
		log:         log,
		dropUnknown: true,
		identity:    identity,
		output:      output,
		resend:      w.resend,
	}

	caller := cloudflow.Caller{Account: "1"}
	w.faults = false
	definition := "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Task, TaskMode: WaitForSystemCallback, Action: 'FC:InvokeFunction', " +
		"Parameters: {resourceArn: '" + invokedFunction + "', invocationType: Async}, End: true}\n"
	if _, err := service.CreateFlow(t.Context(), caller,
		cloudflow.CreateFlowRequest{Name: "f", Definition: definition}); err != nil {
		t.Fatal(err)
	}
	w.faults = true
	names := []string{"x0", "x1", "x2", "x3"}[:1+w.draw(4)]
	for i, name := range names {
		w.waiting[name] = &invoked{
			id:       fmt.Sprint("r", i),
			function: invokedFunction,
			failed:   w.draw(4) == 0,
		}
		w.after(time.Duration(w.draw(3000))*time.Millisecond, func() {
			for range 100 {
				if _, err := service.StartExecution(t.Context(), caller,
					cloudflow.StartExecutionRequest{
						FlowName:      "f",
						ExecutionName: name,
					}); err == nil {
					return
				}
				time.Sleep(300 * time.Millisecond)
			}
		})
	}
	time.Sleep(40 * time.Second)
	w.mu.Lock()
	w.faults = false
	w.mu.Unlock()
	w.work.Wait()
	time.Sleep(time.Minute)
	for _, name := range names {
		got, err := service.DescribeExecution(t.Context(), caller,
			cloudflow.DescribeExecutionRequest{FlowName: "f", ExecutionName: name})
		if err != nil {
			t.Fatal(seed, name, err)
		}
		w.check(seed, name, got)
	}
	r.Close(t.Context())
}

// keptFor is the minimum time that an async result stays in the queue while its invocation record
// is missing.
const keptFor = resendMax * resendDelay

func (w *asyncResultHarness) check(seed uint64, name string, got *cloudflow.Execution) {
	v := w.waiting[name]
	status, output := "Succeeded", fmt.Sprintf(`{"by":%q,"of":%q}`, v.function, v.id)
	if v.failed {
		status, output = "Failed", ""
	}
	_, err := w.rows.Get(w.t.Context(), store.InvocationRecordKey(v.id, v.function))
	hasRecord := err == nil
	switch met := !v.recordWritten.IsZero() && !v.resultArrived.IsZero(); {
	case got.Status == "Running" && met && v.recordWritten.Before(v.resultArrived.Add(keptFor)):
		w.t.Errorf("seed %d: %s still runs; noted at %v, recorded at %v", seed, name,
			v.recordWritten, v.resultArrived)
	case got.Status == "Running" && !v.recordWritten.IsZero() && !hasRecord:
		w.t.Errorf("seed %d: %s runs, and its note is gone", seed, name)
	case got.Status == "Running":
	case !met || got.Status != status || got.Output != output:
		w.t.Errorf("seed %d: %s is %s %s; noted at %v, recorded at %v, failed %v", seed, name,
			got.Status, got.Output, v.recordWritten, v.resultArrived, v.failed)
	}
}
