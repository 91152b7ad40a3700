package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
	"millrace/tests/reference/linear"
	"millrace/tests/support/live"
)

// recorder records requests and their responses, with the times of sending and receiving.
type recorder struct {
	client *client.Client
	began  time.Time

	mu  sync.Mutex
	all []*linear.Request
}

func (w *recorder) now() int64 { return int64(time.Since(w.began)) + 1 }

// record sends a request. An error that is neither an acceptance nor a rejection leaves its outcome
// unknown.
func (w *recorder) record(
	r *linear.Request, send func(context.Context) (*client.Execution, error),
) {
	r.Call = w.now()
	x, err := send(context.Background())
	end := w.now()
	if code := fault.CodeOf(err); !code.Retryable() {
		r.Return, r.Code = end, code
		if x != nil {
			r.Status, r.By = x.Status, by(x)
		}
	}
	w.mu.Lock()
	w.all = append(w.all, r)
	w.mu.Unlock()
}

// by returns the reporter whose report is an execution's output.
func by(x *client.Execution) string {
	var out struct{ By string }
	json.Unmarshal([]byte(x.Output), &out)
	return out.By
}

const asking = "ask"

func on(name string) string { return asking + "/" + name }

func (w *recorder) start(name, who string) {
	w.record(&linear.Request{Operation: linear.Start, Execution: on(name), Client: who},
		func(ctx context.Context) (*client.Execution, error) {
			return w.client.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: asking,
				ExecutionName: name, Input: `{"n":1,"items":[]}`})
		})
}

func (w *recorder) stop(name, who string) {
	w.record(&linear.Request{Operation: linear.Stop, Execution: on(name), Client: who},
		func(ctx context.Context) (*client.Execution, error) {
			return w.client.StopExecution(ctx, cloudflow.StopExecutionRequest{FlowName: asking,
				ExecutionName: name, Error: &who})
		})
}

func (w *recorder) describe(name, who string, wait int64) {
	w.record(&linear.Request{Operation: linear.Describe, Execution: on(name), Client: who},
		func(ctx context.Context) (*client.Execution, error) {
			return w.client.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{
				FlowName:      asking,
				ExecutionName: name, WaitTimeSeconds: &wait})
		})
}

func (w *recorder) report(name, who, token string, well bool) {
	r := &linear.Request{Operation: linear.Report, Execution: on(name), Client: who, Ends: "Failed"}
	if well {
		r.Ends = "Succeeded"
	}
	w.record(r, func(ctx context.Context) (_ *client.Execution, err error) {
		if well {
			_, err = w.client.ReportTaskSucceeded(ctx, cloudflow.ReportTaskSucceededRequest{
				TaskToken: token, Output: fmt.Sprintf(`{"by":%q}`, who)})
		} else {
			_, err = w.client.ReportTaskFailed(ctx, cloudflow.ReportTaskFailedRequest{
				TaskToken: token, Error: "Reported", Cause: &who})
		}
		return nil, err
	})
}

// crowd lets many clients use one execution at once, each with a few requests. It returns when they
// have their responses.
func (w *recorder) crowd(name string, token func() (string, bool), kinds *rand.Rand) {
	var all sync.WaitGroup
	several := func(what string, people, times int, do func(who string)) {
		for i := range people {
			seed := kinds.Uint64()
			all.Go(func() {
				r := rand.New(rand.NewPCG(seed, 1))
				for n := range times {
					time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
					do(fmt.Sprintf("%s%d.%d", what, i, n))
				}
			})
		}
	}
	several("start", 2, 3, func(who string) { w.start(name, who) })
	several("look", 2, 4, func(who string) { w.describe(name, who, 0) })
	several("wait", 1, 2, func(who string) { w.describe(name, who, 1) })
	if kinds.IntN(3) == 0 {
		several("stop", 2, 2, func(who string) { w.stop(name, who) })
	}
	well := kinds.IntN(4) > 0
	several("report", 3, 2, func(who string) {
		if t, ok := token(); ok {
			w.report(name, who, t, well == (who != "report2.0"))
		}
	})
	all.Wait()
}

// tokenCollector collects the tokens of executions. Each execution has one.
type tokenCollector struct {
	mu     sync.Mutex
	tokens map[string]string
}

func (a *tokenCollector) collect(t *testing.T, from <-chan waitingTask, stop <-chan struct{}) {
	for {
		select {
		case q := <-from:
			a.mu.Lock()
			if before := a.tokens[q.execution]; before != "" && before != q.token {
				t.Errorf("%s asks with two tokens, and has one attempt", q.execution)
			}
			a.tokens[q.execution] = q.token
			a.mu.Unlock()
		case <-stop:
			return
		}
	}
}

// token waits a while for the token of an execution and returns it.
func (a *tokenCollector) token(name string) (string, bool) {
	for range 40 {
		a.mu.Lock()
		t := a.tokens[name]
		a.mu.Unlock()
		if t != "" {
			return t, true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return "", false
}

// TestLinear checks that the responses of a server that is killed again and again fit one order of
// the requests, including the requests without a response.
func TestLinear(t *testing.T) {
	d := crashSeconds(t) / 3
	k := newTasks(t)
	s := live.New(t, live.Options{Settings: "{SweepSeconds: 1}"})
	s.Start()
	w := &recorder{client: s.Client(), began: time.Now()}
	definition := "Type: StateMachine\nSpecVersion: v1\nName: ask\nStartAt: Ask\nStates:\n" +
		"- {Name: Ask, Type: Task, Action: 'HTTP:Request', TaskMode: WaitForCustomCallback, " +
		"Parameters: {url: '" + k.URL +
		"/ask', method: POST, body: {x.$: $Context.Execution.Name}}, OutputConstructor: " +
		"{by.$: $Output.by}, End: true}\n"
	if _, err := w.client.CreateFlow(context.Background(), cloudflow.CreateFlowRequest{Name: asking,
		Definition: definition, Type: "FDL"}); err != nil {
		t.Fatal(err)
	}
	a := &tokenCollector{tokens: map[string]string{}}
	over := make(chan struct{})
	var collecting, working sync.WaitGroup
	collecting.Go(func() { a.collect(t, k.tokens, over) })
	until := time.Now().Add(d)
	var n atomic.Int64
	for range 12 {
		working.Go(func() {
			for time.Now().Before(until) {
				i := n.Add(1)
				name := fmt.Sprintf("l%d", i)
				w.crowd(name, func() (string, bool) { return a.token(name) },
					rand.New(rand.NewPCG(uint64(i), 2)))
			}
		})
	}
	kills := 0
	for time.Now().Before(until) {
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		s.Kill()
		kills++
		s.Start()
	}
	working.Wait()
	s.WaitReady()
	for i := range n.Load() { // the final state of all executions
		w.describe(fmt.Sprintf("l%d", i+1), "end", 0)
	}
	close(over)
	collecting.Wait()
	v := linear.Check(w.all, w.now(), 2*time.Minute)
	if v.Violation != "" {
		t.Error(v.Violation)
	}
	unknown := 0
	for _, r := range w.all {
		if r.Return == 0 {
			unknown++
		}
	}
	t.Logf("%d kills, %d requests on %d executions, %d without an answer; %d executions undecided",
		kills, v.Requests, v.Checked, unknown, v.Undecided)
	if v.Undecided > 0 || v.Checked == 0 || unknown == 0 {
		t.Error("the check has not seen what it is for")
	}
	s.Shutdown()
}
