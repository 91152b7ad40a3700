package functiontask_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/functiontask"
)

// logOutput collects the lines that functions print.
type logOutput struct {
	mu      sync.Mutex
	lines   []string
	changed chan struct{}
}

func newLogOutput() *logOutput { return &logOutput{changed: make(chan struct{}, 1)} }

func (o *logOutput) log(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// wait returns the first line that contains text, as soon as there is one.
func (o *logOutput) wait(t *testing.T, text string) string {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
		o.mu.Lock()
		for _, line := range o.lines {
			if strings.Contains(line, text) {
				o.mu.Unlock()
				return line
			}
		}
		o.mu.Unlock()
		select {
		case <-o.changed:
		case <-deadline:
			t.Fatalf("no line has %q: %q", text, o.lines)
		}
	}
}

// child is a function whose command is this test binary in a role.
func child(role string) functiontask.Function {
	return functiontask.Function{
		Mapping: task.Mapping{Match: "*"}, Command: []string{os.Args[0]},
		Env: map[string]string{"CHILD": role},
	}
}

func newRunner(t *testing.T, o functiontask.Options) *functiontask.Runner {
	t.Helper()
	r := functiontask.New(o)
	t.Cleanup(func() { r.Close(context.Background()) })
	return r
}

// request is a synchronous call in the StateMachine dialect.
func request(body string) task.Request {
	return task.Request{
		Region: "cn-hangzhou", Account: "1", Action: functiontask.Action, Key: "key",
		Parameters: json.RawMessage(
			`{"resourceArn":"acs:fc:::functions/f/prod","invocationType":"Sync","body":` + body +
				`}`,
		),
	}
}

// envelope is the result in the StateMachine dialect.
type envelope struct {
	Code   int
	Header map[string]string
	Body   map[string]any
}

func mustRun(t *testing.T, r *functiontask.Runner, q task.Request) envelope {
	t.Helper()
	got := r.Run(context.Background(), q)
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	var e envelope
	if err := json.Unmarshal(got.Output, &e); err != nil {
		t.Fatalf("%s: %v", got.Output, err)
	}
	return e
}

func wantError(t *testing.T, r *functiontask.Runner, q task.Request, name, cause string) {
	t.Helper()
	got := r.Run(context.Background(), q)
	if got.Error == nil || got.Error.Name != name || !strings.Contains(got.Error.Cause, cause) {
		t.Errorf("got %s, %v, want %s with %q", got.Output, got.Error, name, cause)
	}
}

func TestLambdaProcess(t *testing.T) {
	out := newLogOutput()
	r := newRunner(t, functiontask.Options{
		Functions: []functiontask.Function{child("lambda")}, Log: out.log, MaxResponse: 1 << 20,
	})
	first := mustRun(t, r, request(`{"a":1}`))
	if b := first.Body; first.Code != 200 || b["api"] != "lambda" ||
		b["arn"] != "acs:fc:cn-hangzhou:1:functions/f/prod" ||
		b["left"] != true || fmt.Sprint(b["event"]) != "map[a:1]" ||
		first.Header["X-Fc-Request-Id"] != b["id"] {
		t.Errorf("%+v", first)
	}
	second := mustRun(t, r, request(`{}`))
	if second.Body["pid"] != first.Body["pid"] || second.Body["id"] != first.Body["id"] {
		t.Errorf("the same key in another process or under another id: %+v, %+v", first, second)
	}
	wantError(t, r, request(`{"do":"fail"}`), "testError", "it went off")
	wantError(t, r, request(`{"do":"large"}`), "FC.EntityTooLarge", "more than is read")
	wantError(t, r, request(`{"do":"panic"}`), "string", "oh") // the process ends after it
	wantError(t, r, request(`{"do":"die"}`), "FC.Unknown", "exited during the call: exit status 7")
	third := mustRun(t, r, request(`{"do":"print"}`))
	if third.Body["pid"] == first.Body["pid"] {
		t.Error("a dead process answered")
	}
	for _, text := range []string{"to stdout", "to stderr"} {
		if line := out.wait(t, text); line != fmt.Sprintf("function f[%v]: %s", third.Body["pid"],
			text) {
			t.Errorf("logged %q", line)
		}
	}
	out.wait(t, "ended: exit status 7")
}

func TestLambdaStreamThatBreaks(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("stream")}})
	wantError(t, r, request(`{}`), "errorString", "the stream broke")
}

func TestFunctionComputeProcess(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("fc")}})
	first := mustRun(t, r, request(`{"a":1}`))
	b := first.Body
	if b["api"] != "fc" || b["name"] != "f" || b["region"] != "cn-hangzhou" ||
		b["account"] != "1" || b["qualifier"] != "prod" ||
		b["left"] != true || fmt.Sprint(b["event"]) != "map[a:1]" ||
		first.Header["X-Fc-Request-Id"] != b["id"] {
		t.Errorf("%+v", first)
	}
	wantError(t, r, request(`{"do":"fail"}`), "testError", "it went off")
	if second := mustRun(t, r, request(`{}`)); second.Body["pid"] != b["pid"] {
		t.Error("another process answered")
	}
	q := request(`{}`)
	q.Dialect, q.Resource, q.Parameters, q.Input = flow.FlowV1, "acs:fc:::services/s/functions/f", nil,
		json.RawMessage(`{"do":"nothing"}`)
	if got := r.Run(context.Background(), q); string(got.Output) != "{}" {
		t.Errorf("nothing in FlowV1: %s, %v", got.Output, got.Error)
	}
	q.Input = json.RawMessage(`{"b":2}`)
	got := r.Run(context.Background(), q)
	if !strings.Contains(string(got.Output), `"event":{"b":2}`) ||
		strings.Contains(string(got.Output), "Body") {
		t.Errorf("FlowV1: %s, %v", got.Output, got.Error)
	}
}

func TestProcessThatCannotServe(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("exit")}})
	wantError(t, r, request(`{}`), "FC.Unknown",
		"exited before it asked for an event: exit status 3")
	f := child("x")
	f.Command = []string{"./no-such-program"}
	r = newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}})
	for range 3 {
		wantError(t, r, request(`{}`), "FC.Unknown", "cannot be started")
	}
}

func TestProcessThatKeepsEnding(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("exit")}})
	for range 20 {
		got := r.Run(context.Background(), request(`{}`))
		if got.Error == nil {
			t.Fatal("it answered")
		}
		if strings.Contains(got.Error.Cause, "keeps ending") {
			return
		}
	}
	t.Error("the process is started again and again")
}

func TestFunctionTimeout(t *testing.T) {
	for _, role := range []string{"lambda", "fc", "hang"} {
		f := child(role)
		f.Timeout = 300 * time.Millisecond
		r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}})
		wantError(t, r, request(`{"do":"sleep"}`), "FC.Unknown", "timed out")
	}
}

func TestCanceledCallEndsTheProcess(t *testing.T) {
	out := newLogOutput()
	r := newRunner(t, functiontask.Options{
		Functions: []functiontask.Function{child("lambda")}, Log: out.log,
	})
	pid := mustRun(t, r, request(`{}`)).Body["pid"]
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan task.Result, 1)
	go func() { ended <- r.Run(ctx, request(`{"do":"sleep"}`)) }()
	out.wait(t, "it sleeps")
	cancel()
	if got := <-ended; got.Error == nil || got.Error.Name != "FC.Unknown" {
		t.Errorf("%v", got)
	}
	if next := mustRun(t, r, request(`{}`)); next.Body["pid"] == pid {
		t.Error("the busy process got another event")
	}
}

func TestConcurrency(t *testing.T) {
	f := child("lambda")
	f.Concurrency = 2
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}})
	var wg sync.WaitGroup
	var mu sync.Mutex
	pids := map[any]int{}
	for i := range 20 {
		wg.Go(func() {
			q := request(`{}`)
			q.Key = fmt.Sprint(i)
			got := r.Run(context.Background(), q)
			var e envelope
			json.Unmarshal(got.Output, &e)
			mu.Lock()
			defer mu.Unlock()
			pids[e.Body["pid"]]++
		})
	}
	wg.Wait()
	if len(pids) < 1 || len(pids) > 2 || pids[nil] > 0 {
		t.Errorf("calls by process: %v", pids)
	}
}

func TestAfterClose(t *testing.T) {
	r := functiontask.New(functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
	r.Close(context.Background())
	r.Close(context.Background())
	wantError(t, r, request(`{}`), "FC.InternalServerError", "shut down")
	q := request(`{}`)
	q.Parameters = json.RawMessage(
		`{"resourceArn":"acs:fc:::functions/f","invocationType":"Async"}`,
	)
	wantError(t, r, q, "FC.ResourceExhausted", "")
}
